import { Status } from "@motelet/profiles";
import type { ShellCommandRow } from "../shell/call.ts";
import type { ShellHost } from "../shell/job.ts";
import type { StreamTable } from "../streams.ts";
import { Console, type ConsoleSink, typeAheadBytes } from "./console.ts";
import { ConsoleOutput } from "./console-output.ts";

/** The open consoles: that of the serial line, if there is one, and those of streams. */
export class Consoles {
  readonly #host: ShellHost;
  readonly #commands: ReadonlyMap<string, ShellCommandRow> | undefined;
  readonly #onStreams = new Set<Console>();
  #onLine: Console | undefined;

  constructor(host: ShellHost, commands?: ReadonlyMap<string, ShellCommandRow>) {
    this.#host = host;
    this.#commands = commands;
  }

  /** When `pump` must be called although no input arrived. */
  get wakeAtMs(): number {
    return this.#onLine?.wakeAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Opens a console as a duplex stream (SPEC §6.5). @returns OK or RESOURCE_EXHAUSTED */
  openOn(stream: number, streams: StreamTable, rtoMs: number): Status {
    const [host, commands] = [this.#host, this.#commands];
    return streams.open([stream], rtoMs, ([sender]) => {
      if (!sender) throw new RangeError("a console needs a stream");
      const opened = new Console({
        host,
        commands,
        sink: new ConsoleOutput(sender),
        onClose: () => sender.finish({ status: Status.OK }),
      });
      this.#onStreams.add(opened);
      return {
        maxRoom: typeAheadBytes,
        get room() {
          return opened.room;
        },
        get wakeAtMs() {
          return opened.wakeAtMs;
        },
        take: (bytes) => opened.input(bytes),
        end: () => opened.endInput(),
        pump: () => opened.pump(),
        signal: (signal) => opened.signal(signal),
        resize: (columns, rows) => opened.resize(columns, rows),
        closed: () => {
          opened.kill();
          this.#onStreams.delete(opened);
        },
      };
    });
  }

  /** Prints a text on the consoles of streams. */
  tell(text: string): void {
    for (const console of this.#onStreams) console.tell(text);
  }

  /**
   * Accepts input of the serial line.
   * @param print receives its output
   */
  lineInput(bytes: Uint8Array, print: (text: string) => void): void {
    this.#onLine ??= new Console({
      host: this.#host,
      commands: this.#commands,
      sink: lineSink(print),
      returns: true,
    });
    this.#onLine.input(bytes);
  }

  /** Continues the serial line's console; those of streams are pumped with their streams. */
  pump(): void {
    this.#onLine?.pump();
  }
}

/** Room on a serial line is never short: what a slow reader does not take is lost there. */
const lineRoomBytes = 4_096;

function lineSink(print: (text: string) => void): ConsoleSink {
  const tell = (bytes: Uint8Array) => print(Buffer.from(bytes).toString("utf8"));
  return {
    free: lineRoomBytes,
    write(bytes) {
      tell(bytes);
      return bytes.length;
    },
    tell,
  };
}
