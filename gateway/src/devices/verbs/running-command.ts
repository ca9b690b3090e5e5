import { commands, ExecControl, Status } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { delay } from "../../foundation/delay.ts";
import { RequestError } from "../../foundation/errors.ts";
import type { Session } from "../../session/session.ts";
import type { Stream, StreamOutcome } from "../../session/stream.ts";
import type { CommandExit, CommandRequest, CommandSession } from "./command-session.ts";

/** How long stderr may end after stdout has, before it is cut. Milliseconds. */
const stderrGraceMs = 5_000;

/** A command that a device has started, with the caller's streams (SPEC §6.3). */
export class RunningCommand implements CommandSession {
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  readonly exit: Promise<CommandExit>;
  readonly #session: Session;
  readonly #main: Stream;
  readonly #errors: Stream | undefined;
  readonly #takesInput: boolean;

  constructor(
    session: Session,
    streams: { stdout: Stream; stderr: Stream | undefined },
    request: CommandRequest,
    clock: Clock,
  ) {
    this.#session = session;
    this.#main = streams.stdout;
    this.#errors = streams.stderr;
    this.#takesInput = request.stdin;
    this.stdout = this.#main.read();
    this.stderr = this.#errors?.read() ?? nothing();
    // A console has no words, and no exit code.
    this.exit = this.#main.ended.then(request.argv.length > 0 ? exitOfCommand : exitOf);
    void this.#main.ended.then(async (outcome) => {
      // The exit code came last of stdout; stderr's own end should be on its way, but must not hold the caller indefinitely.
      if (outcome.message === undefined) await delay(clock, stderrGraceMs);
      this.#errors?.fail({
        status: Status.DEADLINE_EXCEEDED,
        message: "stderr did not end with its command",
      });
    });
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (!this.#takesInput) throw new RequestError("EXEC_NO_INPUT", "the command was started without stdin");
    await this.#main.write(bytes);
  }

  async endInput(): Promise<void> {
    if (this.#takesInput) await this.#main.endInput();
  }

  async resize(columns: number, rows: number): Promise<void> {
    if (this.#main.isOver) return;
    const args = { stream: this.#main.id, control: ExecControl.resize, value: columns, value2: rows };
    // A terminal that keeps its old size is no reason to end a command.
    await this.#session.call(commands.execControl.op, commands.execControl.encodeRequest(args));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#main.cancel();
    this.#errors?.cancel();
  }
}

/** How a command ended, as reported to its caller. An end without an exit code (SPEC §6.3) must not count as success. */
export function exitOfCommand(outcome: StreamOutcome): CommandExit {
  if (outcome.status !== Status.OK || outcome.exitCode !== undefined) return exitOf(outcome);
  return { status: Status.DATA_LOSS, exitCode: 0, message: "the device tells no exit code of the command" };
}

/** How a stream ended, as reported to its caller. */
export function exitOf(outcome: StreamOutcome): CommandExit {
  const { status, exitCode, message } = outcome;
  return { status, exitCode: exitCode ?? 0, ...(message === undefined ? {} : { message }) };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
