import { Status } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { delay } from "../../foundation/delay.ts";
import { RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { RawConsole } from "../raw-consoles.ts";
import type { CommandExit, CommandSession } from "./command-session.ts";

/** Which streams a caller of attach needs. */
export interface AttachRequest {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly tty: boolean;
}

/** After the end of input: as long as the console goes on without such a pause its answer is waited for. Milliseconds. */
const quietMs = 1_000;
/** A console that is never quiet is left all the same. */
const maxAnswerMs = 30_000;
/** How often a full line is tried again, and until when. */
const retryMs = 20;
const writeWaitMs = 10_000;
/** Console input goes out in pieces, so that messages of the session fit in between. */
const pieceBytes = 256;

/** The raw console of a serial line as a session of attach: text outside frames, from any firmware. */
export class AttachedLine implements CommandSession {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array> = nothing();
  readonly exit: Promise<CommandExit>;
  readonly #console: RawConsole;
  readonly #clock: Clock;
  readonly #takesInput: boolean;
  readonly #ended = Promise.withResolvers<CommandExit>();
  #inputOver = false;
  #isOver = false;

  constructor(console: RawConsole, request: AttachRequest, clock: Clock) {
    this.#console = console;
    this.#clock = clock;
    this.#takesInput = request.stdin;
    this.stdout = console.output;
    this.exit = this.#ended.promise;
    const message = "the serial line has closed";
    void console.closed.then(() => this.#end({ status: Status.UNAVAILABLE, exitCode: 0, message }));
  }

  /** @throws UnavailableError CONSOLE_STALLED, CONSOLE_CLOSED; RequestError EXEC_NO_INPUT */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#takesInput || this.#inputOver)
      throw new RequestError("EXEC_NO_INPUT", "the console was attached without stdin, or stdin has ended");
    for (let at = 0; at < bytes.length; at += pieceBytes)
      await this.#writePiece(bytes.subarray(at, at + pieceBytes));
  }

  async endInput(): Promise<void> {
    if (!this.#takesInput || this.#inputOver) return;
    this.#inputOver = true;
    void this.#endWhenQuiet();
  }

  /** A serial line has no terminal size. */
  async resize(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#end({ status: Status.CANCELLED, exitCode: 0, message: "cancelled" });
  }

  async #writePiece(piece: Uint8Array): Promise<void> {
    const untilMs = this.#clock.monotonicMs() + writeWaitMs;
    while (!this.#console.write(piece)) {
      if (this.#isOver) throw new UnavailableError("CONSOLE_CLOSED", "the serial line has closed");
      if (this.#clock.monotonicMs() >= untilMs)
        throw new UnavailableError(
          "CONSOLE_STALLED",
          `the serial line accepted no bytes for ${writeWaitMs / 1000} s`,
        );
      await delay(this.#clock, retryMs);
    }
  }

  async #endWhenQuiet(): Promise<void> {
    const fromMs = this.#clock.monotonicMs();
    for (;;) {
      const nowMs = this.#clock.monotonicMs();
      const quietAtMs = Math.max(fromMs, this.#console.lastOutputMs) + quietMs;
      const dueMs = Math.min(quietAtMs, fromMs + maxAnswerMs);
      if (this.#isOver || nowMs >= dueMs) break;
      await delay(this.#clock, dueMs - nowMs);
    }
    this.#end({ status: Status.OK, exitCode: 0 });
  }

  #end(exit: CommandExit): void {
    this.#isOver = true;
    this.#ended.resolve(exit);
    this.#console[Symbol.dispose]();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
