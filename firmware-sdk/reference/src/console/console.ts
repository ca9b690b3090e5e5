import { exitCodeOf } from "../shell/basic.ts";
import type { ShellCommandRow } from "../shell/call.ts";
import { startShellCommand } from "../shell/commands.ts";
import { type JobOutput, type ShellHost, ShellJob } from "../shell/job.ts";
import type { Terminal } from "../shell/process.ts";
import { LineEditor } from "./line-editor.ts";

/** The output of a console. */
export interface ConsoleSink extends JobOutput {
  /** Accepts all of the bytes, always. */
  tell(bytes: Uint8Array): void;
  pump?(): void;
}

export interface ConsoleOptions {
  readonly host: ShellHost;
  readonly sink: ConsoleSink;
  readonly commands?: ReadonlyMap<string, ShellCommandRow> | undefined;
  /** Whether lines end with a carriage return too, as readers of a serial line expect. */
  readonly returns?: boolean;
  /** Called when nothing more is read; absent: a console that cannot be closed. */
  readonly onClose?: () => void;
}

/** Bytes of input that may be typed while a command runs; more is dropped, or not accepted. */
export const typeAheadBytes = 1_024;
const interruptSignal = 2;
const interruptKey = 0x03;

/**
 * A console: each line of input is a command of the shell, one at a time. After it has received a size, it is a
 * terminal with prompt and echo (SHELL.md).
 */
export class Console {
  readonly #options: ConsoleOptions;
  readonly #editor = new LineEditor();
  #terminal: Terminal | undefined;
  #job: ShellJob | undefined;
  #typedAhead: number[] = [];
  #inputEnded = false;
  #closed = false;

  constructor(options: ConsoleOptions) {
    this.#options = options;
  }

  /** Bytes of input that it accepts now. */
  get room(): number {
    const room = typeAheadBytes - this.#typedAhead.length;
    // A terminal takes what it has no room for as well: Ctrl-C must get through.
    return this.#terminal ? Math.max(room, 1) : room;
  }

  /** When `pump` must be called although no input arrived. */
  get wakeAtMs(): number {
    return this.#job?.wakeAtMs ?? Number.POSITIVE_INFINITY;
  }

  /** Accepts input, at most `room` bytes; more is dropped. */
  input(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.#job && byte === interruptKey) this.#interrupt(this.#job);
      else if (this.#typedAhead.length < typeAheadBytes) this.#typedAhead.push(byte);
      this.#goOn();
    }
  }

  /** Ends the input: closes when all typed lines have been executed. */
  endInput(): void {
    this.#inputEnded = true;
    this.#goOn();
  }

  /** Signals the running command, if there is one. */
  signal(signal: number): void {
    this.#job?.signal(signal);
    this.#goOn();
  }

  resize(columns: number, rows: number | undefined): void {
    const becomesTerminal = this.#terminal === undefined;
    this.#terminal = { columns, rows: rows ?? this.#terminal?.rows ?? 0 };
    this.#job?.resize(columns, rows);
    if (becomesTerminal && !this.#job) this.#prompt();
  }

  /** Prints a message of the device itself. */
  tell(text: string): void {
    this.#show(text);
  }

  /** Continues output that waited for space or time. */
  pump(): void {
    this.#options.sink.pump?.();
    this.#job?.step();
    this.#goOn();
  }

  /** Ends it without output. */
  kill(): void {
    this.#closed = true;
    this.#job?.kill();
    this.#job = undefined;
  }

  #interrupt(job: ShellJob): void {
    this.#typedAhead = [];
    if (this.#terminal) this.#show("^C\n");
    job.signal(interruptSignal);
  }

  /** Deals with what was typed as far as it can be, and closes at the end of it all. */
  #goOn(): void {
    while (this.#typedAhead.length > 0 && !this.#closed) {
      if (!this.#job) this.#press(this.#typedAhead.shift() as number);
      else {
        // Whoever types into a terminal types the command's input too.
        const room = this.#terminal && !this.#job.ended ? (this.#job.inputRoom ?? 0) : 0;
        if (room === 0) return;
        this.#job.take(Uint8Array.from(this.#typedAhead.splice(0, room)));
      }
    }
    if (this.#inputEnded && !this.#job) this.#close();
  }

  #press(byte: number): void {
    const event = this.#editor.press(byte);
    switch (event?.kind) {
      case undefined:
        break;
      case "typed":
        if (this.#terminal) this.#options.sink.tell(Buffer.from(event.echo, "latin1"));
        break;
      case "interrupt":
        if (this.#terminal) this.#show("^C\n");
        this.#prompt();
        break;
      case "end":
        if (this.#terminal) this.#close();
        break;
      case "line":
        if (this.#terminal) this.#show("\n");
        this.#run(event.text);
        break;
      default:
        event satisfies never;
    }
  }

  #run(line: string): void {
    const argv = line.split(" ").filter((word) => word !== "");
    const { host, sink, commands, returns } = this.#options;
    const [name] = argv;
    if (name === undefined) {
      this.#prompt();
      return;
    }
    const job = new ShellJob({
      name: name.slice(0, 16),
      host,
      out: sink,
      terminal: this.#terminal,
      returns: returns === true || this.#terminal !== undefined,
      onExit: () => {
        if (this.#job === job) this.#job = undefined;
        const leaves = name === "exit" && exitCodeOf(argv.slice(1)) !== undefined;
        if (leaves && this.#options.onClose) this.#close();
        else this.#prompt();
      },
    });
    this.#job = job;
    job.start((process) => startShellCommand(process, argv, commands), []);
    if (!this.#terminal) job.endInput();
    if (this.#job === job) job.step();
  }

  #prompt(): void {
    if (!this.#terminal || this.#closed) return;
    this.#show(`${this.#options.host.parts.settings?.get("prompt") ?? ">"} `);
  }

  #show(text: string): void {
    const { sink, returns } = this.#options;
    const ends = returns === true || this.#terminal !== undefined;
    sink.tell(Buffer.from(ends ? text.replaceAll("\n", "\r\n") : text));
  }

  #close(): void {
    const { onClose } = this.#options;
    if (this.#closed || !onClose) return;
    this.kill();
    onClose();
  }
}
