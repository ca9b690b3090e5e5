import { Status } from "@motelet/profiles";
import { type ShellHost, ShellJob } from "./shell/job.ts";
import type { ShellCommand, Terminal } from "./shell/process.ts";
import type { StreamSender } from "./stream.ts";
import type { StreamEndpoint, StreamTable } from "./streams.ts";

export interface ExecutionRequest {
  readonly stream: number;
  /** 0: stderr goes to `stream`. */
  readonly stderrStream: number;
  /** For `ps`. */
  readonly name: string;
  readonly stdin: boolean;
  readonly tty: boolean;
}

/** Longest name of a task (SPEC §6.9). */
const taskNameBytes = 16;
/** The size of a terminal that nobody has told. */
const unknownSize: Terminal = { columns: 0, rows: 0 };

/**
 * Starts a command on its own streams (SPEC §6.3), for all commands with argv.
 * @param run starts the command
 * @returns OK: started; RESOURCE_EXHAUSTED: a stream id is in use or no slot is free
 */
export function startExecution(
  streams: StreamTable,
  request: ExecutionRequest,
  rtoMs: number,
  host: ShellHost,
  run: ShellCommand,
): Status {
  // Stderr stands first, so that all of it is out before the end of stdout tells the exit code.
  const wanted = request.stderrStream === 0 ? [request.stream] : [request.stderrStream, request.stream];
  return streams.open(wanted, rtoMs, (senders) => {
    const execution = new Execution(request, senders.at(-1) as StreamSender, senders.at(-2), host);
    execution.start(run, request.stdin);
    return execution;
  });
}

/** A command between its streams. */
class Execution implements StreamEndpoint {
  readonly #job: ShellJob;

  constructor(
    request: ExecutionRequest,
    stdout: StreamSender,
    stderr: StreamSender | undefined,
    host: ShellHost,
  ) {
    this.#job = new ShellJob({
      name: taskName(request.name),
      host,
      out: stdout,
      err: stderr,
      terminal: request.tty ? unknownSize : undefined,
      onExit(exitCode) {
        stderr?.finish({ status: Status.OK });
        stdout.finish({ status: Status.OK, exitCode });
      },
    });
  }

  start(run: ShellCommand, stdin: boolean): void {
    this.#job.start(run, []);
    if (!stdin) this.#job.endInput();
  }

  get room(): number | undefined {
    return this.#job.inputRoom;
  }

  get wakeAtMs(): number {
    return this.#job.wakeAtMs;
  }

  take(bytes: Uint8Array): void {
    this.#job.take(bytes);
  }

  end(): void {
    this.#job.endInput();
  }

  pump(): void {
    this.#job.step();
  }

  signal(signal: number): void {
    this.#job.signal(signal);
  }

  resize(columns: number, rows: number | undefined): void {
    this.#job.resize(columns, rows);
  }

  closed(): void {
    this.#job.kill();
  }
}

/** As much of a name as a task may have, never cut within a character. */
function taskName(name: string): string {
  let fitting = "";
  for (const character of name) {
    if (Buffer.byteLength(fitting + character) > taskNameBytes) break;
    fitting += character;
  }
  return fitting;
}
