import { constants } from "node:os";
import { RigError } from "./errors.ts";
import { signalGroup, spawnWatched } from "./process.ts";

export interface RunOptions {
  /** Bytes for its stdin; default: none, stdin is closed. */
  readonly input?: string | Uint8Array;
  /** Milliseconds after which it is killed and the call fails; default 60,000. */
  readonly timeoutMs?: number;
  readonly cwd?: string;
  /** The whole environment; default: this process'. */
  readonly env?: NodeJS.ProcessEnv;
  /** Output that is kept of stdout and of stderr, in bytes; more ends the command. Default 64 MiB. */
  readonly maxOutputBytes?: number;
  readonly signal?: AbortSignal;
}

export interface CommandResult {
  /** The exit code; 128 + number, as shells say it, after a signal; 127 when there is no such command. */
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Runs a command to its end and returns what it said, whatever its exit code.
 * @throws RigError COMMAND_TIMEOUT with what it had said, OUTPUT_TOO_LONG, or the signal's reason
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<CommandResult> {
  const { timeoutMs = 60_000, maxOutputBytes = 64 * 1024 * 1024, signal } = options;
  signal?.throwIfAborted();
  const child = spawnWatched({
    name: command,
    command,
    args,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const { pid } = child;
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let failure: unknown;
  const fail = (reason: unknown): void => {
    failure ??= reason;
    if (pid !== undefined) signalGroup(pid, "SIGKILL");
  };
  for (const name of ["stdout", "stderr"] as const) {
    let bytes = 0;
    child[name]?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= maxOutputBytes) said[name].push(chunk);
      else
        fail(new RigError("OUTPUT_TOO_LONG", `${name} of ${command} is longer than ${maxOutputBytes} bytes`));
    });
  }
  const textOf = (chunks: Buffer[]): string => Buffer.concat(chunks).toString("utf8");
  const timer = setTimeout(() => {
    const tail = (textOf(said.stderr) || textOf(said.stdout)).slice(-2000);
    const line = [command, ...args].join(" ");
    fail(
      new RigError(
        "COMMAND_TIMEOUT",
        `${line} did not end within ${timeoutMs} ms; it said: ${tail || "nothing"}`,
      ),
    );
  }, timeoutMs);
  const onAbort = (): void => fail(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const code = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, ended) => resolve(status ?? 128 + (ended ? constants.signals[ended] : 0)));
      child.stdin?.end(options.input ?? "");
    });
    if (failure !== undefined) throw failure;
    return { code, stdout: Buffer.concat(said.stdout), stderr: textOf(said.stderr) };
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
