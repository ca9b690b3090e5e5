import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import type { Writable } from "node:stream";
import { RigError } from "./errors.ts";
import { LineRing, LineSplitter } from "./line-ring.ts";
import { deathError, forgetDeath, onDeath, reportDeath } from "./vital-processes.ts";
import { forgetProcessGroup, watchdogInput } from "./watchdog.ts";

/** How a process ended: by itself with a code, or by a signal. */
export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface StartOptions {
  /** Short name for messages: "kube-apiserver". */
  readonly name: string;
  /** A path, or a name that is looked up on the PATH. */
  readonly command: string;
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** The whole environment; default: this process'. */
  readonly env?: NodeJS.ProcessEnv;
  /** Lines of output that are kept; default 400. */
  readonly keepLines?: number;
  /**
   * Others depend on it: where it fails (a signal, or a code that is not 0) and nobody told it to end, all waiting of this process
   * ({@link waitFor} and the like) fails at once, with its last lines. Default false.
   */
  readonly vital?: boolean;
  /** Called with each line of stdout and stderr as it comes. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

/**
 * Becomes the program after telling the watchdog its process group (= its pid, it leads a session of its own, so that
 * Ctrl-C at a terminal reaches only us).
 */
const launcher = 'echo "+p $$" >&3; exec 3>&-; exec "$@"';

/** Starts a child that dies with this process, however this process ends. */
export function spawnWatched(
  options: Pick<StartOptions, "name" | "command" | "args" | "cwd" | "env">,
): ChildProcess {
  const child = spawn("sh", ["-c", launcher, "sh", options.command, ...(options.args ?? [])], {
    detached: true,
    stdio: ["pipe", "pipe", "pipe", watchdogInput()],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const { pid } = child;
  child.once("exit", () => {
    if (pid === undefined) return;
    // Whatever the program left running in its group has lost its purpose.
    signalGroup(pid, "SIGKILL");
    forgetProcessGroup(pid);
  });
  // The other end may close before it has read everything: that is its right.
  child.stdin?.on("error", () => {});
  return child;
}

/** Signals a process group; one that is gone is no error. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/**
 * A child process whose last lines of output are kept. It is ended by dispose, and with this process.
 * A command that does not exist shows as exit code 127 and a line that says so.
 */
export class RunningProcess implements AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Resolves when the process has ended and all its output is in; never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly stdin: Writable;
  readonly #ring: LineRing;
  readonly #lineWaiters = new Set<(line: string) => void>();
  #exitStatus: ExitStatus | undefined;
  #toldToEnd = false;

  /** @throws RigError NOT_STARTED when the machine refuses another process */
  constructor(options: StartOptions) {
    this.name = options.name;
    this.#ring = new LineRing(options.keepLines ?? 400);
    const child = spawnWatched(options);
    const { stdin, stdout, stderr, pid } = child;
    this.exited = new Promise((resolve) => {
      child.once("error", () => resolve(this.#end({ code: null, signal: null })));
      child.once("close", (code, signal) => resolve(this.#end({ code, signal })));
    });
    if (pid === undefined || !stdin || !stdout || !stderr) {
      throw new RigError("NOT_STARTED", `cannot start ${options.name} (${options.command})`);
    }
    this.pid = pid;
    if (options.vital) {
      void this.exited.then(() => {
        if (!this.#toldToEnd && this.#exitStatus?.code !== 0) reportDeath(this);
      });
    }
    this.stdin = stdin;
    for (const [stream, source] of [["stdout", stdout] as const, ["stderr", stderr] as const]) {
      const splitter = new LineSplitter((line) => {
        this.#ring.push(line);
        for (const look of this.#lineWaiters) look(line);
        options.onLine?.(line, stream);
      });
      source.setEncoding("utf8");
      source.on("data", (text: string) => splitter.push(text));
      source.on("end", () => splitter.end());
    }
  }

  /** Undefined as long as it runs. */
  get exitStatus(): ExitStatus | undefined {
    return this.#exitStatus;
  }

  /** The newest lines of stdout and stderr, oldest first. */
  lastLines(count?: number): string[] {
    return this.#ring.last(count);
  }

  /**
   * The first line that matches, among those kept and those to come.
   * @throws RigError PROCESS_ENDED with its last lines when it, or a vital process, ends before; DEADLINE_PASSED
   */
  async waitForLine(pattern: RegExp, options: { deadlineMs: number }): Promise<RegExpExecArray> {
    // Without state: the same pattern is tried on line after line.
    const matcher = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    for (const line of this.#ring.last()) {
      const match = matcher.exec(line);
      if (match) return match;
    }
    const death = deathError();
    if (death) throw death;
    const found = Promise.withResolvers<RegExpExecArray>();
    using _death = onDeath(found.reject);
    const look = (line: string): void => {
      const match = matcher.exec(line);
      if (match) found.resolve(match);
    };
    const { deadlineMs } = options;
    const timer = setTimeout(() => {
      const said = this.lastLines(5).join("\n  ");
      const wanted = `a line of ${this.name} that matches ${pattern}`;
      found.reject(
        new RigError(
          "DEADLINE_PASSED",
          `waited ${deadlineMs} ms in vain for ${wanted}; it said last:\n  ${said}`,
        ),
      );
    }, deadlineMs);
    this.#lineWaiters.add(look);
    void this.exited.then(() => found.reject(this.endedError()));
    try {
      return await found.promise;
    } finally {
      clearTimeout(timer);
      this.#lineWaiters.delete(look);
    }
  }

  /** The error that says how it ended and what it said last. */
  endedError(): RigError {
    const { code, signal } = this.#exitStatus ?? { code: null, signal: null };
    const how = signal ? `was ended by ${signal}` : `ended with code ${code}`;
    const said = this.lastLines(15).map((line) => `\n  ${line}`);
    return new RigError("PROCESS_ENDED", `${this.name} ${how}; it said last:${said.join("") || " nothing"}`);
  }

  /** Signals the process and what it started; does nothing when it has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#toldToEnd = true;
    forgetDeath(this);
    if (!this.#exitStatus) signalGroup(this.pid, signal);
  }

  /** Asks it to end (SIGTERM), insists after `graceMs` (SIGKILL), returns when it is gone. */
  async stop(options: { graceMs?: number } = {}): Promise<ExitStatus> {
    const graceMs = options.graceMs ?? 5000;
    this.#toldToEnd = true;
    forgetDeath(this);
    if (graceMs > 0) this.kill("SIGTERM");
    const insist = setTimeout(() => this.kill("SIGKILL"), graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(insist);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #end(status: ExitStatus): ExitStatus {
    this.#exitStatus = status;
    return status;
  }
}

/** Starts a child that dies with this process; see {@link RunningProcess}. */
export function startProcess(options: StartOptions): RunningProcess {
  return new RunningProcess(options);
}
