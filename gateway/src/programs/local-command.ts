import { Status } from "@motelet/profiles";
import type { CommandExit, CommandRequest, CommandSession } from "../devices/verbs/command-session.ts";
import { messageOf, RequestError, UnavailableError } from "../foundation/errors.ts";
import { ByteHandover } from "./byte-handover.ts";

/** The caller's streams, for a command that runs in the gateway. */
export interface LocalStreams {
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolve when the caller has taken the bytes (of stdout or stderr) or the line (of stderr). */
  print(bytes: Uint8Array): Promise<void>;
  printError(bytes: Uint8Array): Promise<void>;
  complain(line: string): Promise<void>;
  /** The caller's terminal, if it has one. */
  readonly terminal: LocalTerminal;
  /** Aborts when the caller disconnects. */
  readonly signal: AbortSignal;
}

/** The size of a caller's terminal, if known. */
export interface LocalTerminal {
  size: { readonly columns: number; readonly rows: number } | undefined;
  /** Set by a program that needs to know each change. */
  onResize: ((columns: number, rows: number) => void) | undefined;
}

/** @returns the exit code, or another kind of end; a thrown error becomes a failure of the command */
export type LocalProgram = (streams: LocalStreams) => Promise<number | CommandExit>;

/** A command that the gateway emulates for a device. To its caller it looks like a command on the device. */
export class LocalCommand implements CommandSession {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly exit: Promise<CommandExit>;
  readonly #takesInput: boolean;
  readonly #stop = new AbortController();
  readonly #in = new ByteHandover();
  readonly #out = new ByteHandover();
  readonly #errors = new ByteHandover();
  readonly #terminal: LocalTerminal = { size: undefined, onResize: undefined };

  constructor(program: LocalProgram, request: CommandRequest, signal: AbortSignal) {
    this.#takesInput = request.stdin;
    this.stdout = this.#out.read();
    this.stderr = this.#errors.read();
    if (!request.stdin) this.#in.end();
    const discard = async () => {};
    const output = request.stdout ? (bytes: Uint8Array) => this.#out.put(bytes) : discard;
    // A terminal shows both on one stream.
    const errors = request.tty
      ? output
      : request.stderr
        ? (bytes: Uint8Array) => this.#errors.put(bytes)
        : discard;
    this.exit = this.#run(program, {
      input: this.#in.read(),
      print: output,
      printError: errors,
      complain: (line) => errors(Buffer.from(request.tty ? `${line}\r\n` : `${line}\n`)),
      terminal: this.#terminal,
      signal: AbortSignal.any([signal, this.#stop.signal]),
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#takesInput) throw new RequestError("EXEC_NO_INPUT", "the command was started without stdin");
    await this.#in.put(bytes);
  }

  async endInput(): Promise<void> {
    this.#in.end();
  }

  async resize(columns: number, rows: number): Promise<void> {
    this.#terminal.size = { columns, rows };
    this.#terminal.onResize?.(columns, rows);
  }

  /** Done when the program has released the device. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const handover of [this.#in, this.#out, this.#errors]) handover.close();
    await this.exit;
  }

  async #run(program: LocalProgram, streams: LocalStreams): Promise<CommandExit> {
    try {
      const exit = await program(streams);
      return typeof exit === "number" ? { status: Status.OK, exitCode: exit } : exit;
    } catch (error) {
      return { status: statusOf(error), exitCode: 0, message: messageOf(error) };
    } finally {
      // Whoever still writes must not wait for a program that has ended.
      this.#in.close();
      this.#out.end();
      this.#errors.end();
    }
  }
}

function statusOf(error: unknown): number {
  if (error instanceof UnavailableError) return Status.UNAVAILABLE;
  return error instanceof RequestError ? Status.FAILED_PRECONDITION : Status.INTERNAL;
}
