import {
  Capability,
  commands,
  ExecFlag,
  encodeCbor,
  hasCommand,
  limits,
  Status,
  statusName,
} from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { MoteletError, RequestError, UnavailableError } from "../../foundation/errors.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { ExchangeOutcome } from "../../session/exchange-table.ts";
import type { Session } from "../../session/session.ts";
import type { Registry } from "../registry.ts";
import { RunningCommand } from "./running-command.ts";

/** What a caller asks of exec. */
export interface ExecRequest {
  readonly argv: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  /** A stream of its own for stderr (never with a tty). */
  readonly stderr: boolean;
}

/** How a command on the device ended. */
export interface ExecExit {
  /** Canonical status 0–16 (profiles/src/status.ts); 0 when the command ran to its end. */
  readonly status: number;
  /** 0–255; meaningful when status is 0. */
  readonly exitCode: number;
  /** A sentence for people when status is not 0. */
  readonly message?: string;
}

/** A command that runs on a device. Dispose to cancel it (streams are reset on the device). */
export interface ExecSession extends AsyncDisposable {
  /** Ends when the command has ended or the device is lost; never throws: `exit` says why. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are within the device's window, so that a slow device slows the caller. */
  write(bytes: Uint8Array): Promise<void>;
  /** End of stdin. */
  endInput(): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  readonly exit: Promise<ExecExit>;
}

/**
 * What the kubelet floor needs of exec; the real one runs over the device's session.
 * @throws UnavailableError where the device is not online, RequestError where it refuses the command
 */
export interface ExecVerb {
  start(key: string, request: ExecRequest, options: { signal: AbortSignal }): Promise<ExecSession>;
}

/** Where the sessions of devices are found, by the registry's key. */
export interface SessionFinder {
  get(key: string): Session | undefined;
}

/** How long a command waits for a device that is about to come back. Milliseconds. */
const returnWaitMs = 3_000;

/** Runs commands over devices' sessions (SPEC §6.3). */
export class SessionExec implements ExecVerb {
  readonly #registry: Registry;
  readonly #sessions: SessionFinder;
  readonly #clock: Clock;
  readonly #started;

  constructor(options: { registry: Registry; sessions: SessionFinder; clock: Clock; metrics: Metrics }) {
    this.#registry = options.registry;
    this.#sessions = options.sessions;
    this.#clock = options.clock;
    this.#started = options.metrics.counter(
      "motelet_execs_total",
      "Commands that were asked for, by outcome of the start.",
      ["status"],
    );
  }

  async start(key: string, request: ExecRequest, options: { signal: AbortSignal }): Promise<ExecSession> {
    try {
      const started = await this.#start(key, request, options.signal);
      this.#started.inc({ status: statusName(Status.OK) });
      return started;
    } catch (error) {
      this.#started.inc({ status: error instanceof MoteletError ? error.code : "INTERNAL" });
      throw error;
    }
  }

  async #start(key: string, request: ExecRequest, signal: AbortSignal): Promise<ExecSession> {
    const session = await this.#sessionOf(key, signal);
    const hello = session?.hello;
    if (!session || !hello) throw new UnavailableError("DEVICE_OFFLINE", `device ${key} is not connected`);
    const caps = hello.caps ?? 0;
    if (!hasCommand(caps, commands.exec))
      throw new RequestError(
        "EXEC_UNSUPPORTED",
        `device ${key} cannot run commands: its firmware does not say exec`,
      );
    expectArgvFits(key, request.argv, session.maxMessageBytes);

    const stdout = session.openStream();
    const separate = request.stderr && !request.tty && (caps & Capability.stderr) !== 0;
    const stderr = stdout && separate ? session.openStream() : undefined;
    if (!stdout || (separate && !stderr)) {
      stdout?.cancel();
      throw new UnavailableError("STREAMS_EXHAUSTED", `device ${key} has all of its streams in use`);
    }
    const abandon = () => {
      stdout.cancel();
      stderr?.cancel();
    };
    const tty = request.tty && (caps & Capability.tty) !== 0;
    const args = commands.exec.encodeRequest({
      stream: stdout.id,
      stderrStream: stderr?.id ?? 0,
      flags: (request.stdin ? ExecFlag.stdin : 0) | (tty ? ExecFlag.tty : 0),
      argv: [...request.argv],
    });
    const answer = session.call(commands.exec.op, args);
    const outcome = await raceAbort(answer, signal);
    if (!outcome) {
      // It may be that the device starts it yet: what it starts is cancelled then.
      void answer.then(abandon);
      throw new UnavailableError("EXEC_CANCELLED", `exec on device ${key} was cancelled before it started`);
    }
    if (outcome.status !== Status.OK) {
      abandon();
      throw refusedStart(key, outcome);
    }
    return new RunningCommand(session, { stdout, stderr }, request, this.#clock);
  }

  /** A device that counts as Online but has no session is on its way back: the gateway or its line has just started. */
  async #sessionOf(key: string, signal: AbortSignal): Promise<Session | undefined> {
    const look = () => {
      const session = this.#sessions.get(key);
      return session?.isUp ? session : undefined;
    };
    const found = look();
    if (found || this.#registry.get(key)?.phase !== "Online") return found;
    const { promise, resolve } = Promise.withResolvers<Session | undefined>();
    const unsubscribe = this.#registry.changes.subscribe((changed) => {
      const gone = changed === key && this.#registry.get(key)?.phase !== "Online";
      if (changed === key && (gone || look())) resolve(look());
    });
    const timer = this.#clock.after(returnWaitMs, () => resolve(undefined));
    try {
      return await raceAbort(promise, signal);
    } finally {
      timer.cancel();
      unsubscribe();
    }
  }
}

/** SPEC §6.3: argv must leave room for the rest of the request. */
function expectArgvFits(key: string, argv: readonly string[], maxMessageBytes: number): void {
  const limit = maxMessageBytes - limits.argvReserveBytes;
  const bytes = encodeCbor([...argv]).length;
  if (bytes > limit)
    throw new RequestError(
      "ARGV_TOO_LONG",
      `command of ${bytes} bytes: device ${key} takes at most ${limit}`,
    );
}

/** @returns undefined where the signal came first */
async function raceAbort<T>(answer: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const aborted = Promise.withResolvers<undefined>();
  const give = () => aborted.resolve(undefined);
  signal.addEventListener("abort", give, { once: true });
  if (signal.aborted) give();
  try {
    return await Promise.race([answer, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", give);
  }
}

function refusedStart(key: string, outcome: ExchangeOutcome): MoteletError {
  const code = `EXEC_${statusName(outcome.status)}`;
  const message = `device ${key} did not start the command: ${outcome.message ?? statusName(outcome.status)}`;
  const mend: readonly number[] = [
    Status.INVALID_ARGUMENT,
    Status.NOT_FOUND,
    Status.OUT_OF_RANGE,
    Status.PERMISSION_DENIED,
    Status.UNIMPLEMENTED,
    Status.FAILED_PRECONDITION,
  ];
  return mend.includes(outcome.status)
    ? new RequestError(code, message)
    : new UnavailableError(code, message);
}
