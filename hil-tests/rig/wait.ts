import { setTimeout as delay } from "node:timers/promises";
import { RigError } from "./errors.ts";
import { deathError } from "./vital-processes.ts";

export interface WaitOptions {
  /** Milliseconds from now after which waiting fails. */
  readonly deadlineMs: number;
  /** What is waited for, as a noun phrase: "the Node lamp to be Ready". */
  readonly what: string;
  /** Milliseconds between two looks; default 50. */
  readonly intervalMs?: number;
  readonly signal?: AbortSignal;
}

/** What a condition answers when it does not hold yet. */
type NotYet = false | null | undefined | 0 | "";

/**
 * Looks again and again until the condition answers something truthy, and returns that.
 * A condition that throws does not hold yet; its last error becomes the cause of the failure.
 * @throws RigError DEADLINE_PASSED when it did not hold in time, PROCESS_ENDED when a vital process has died, or the signal's reason
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<Exclude<T, NotYet>> {
  const { deadlineMs, what, intervalMs = 50, signal } = options;
  const deadline = performance.now() + deadlineMs;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const answer = await withinDeadline(condition(), deadline);
      if (answer) return answer as Exclude<T, NotYet>;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    const death = deathError();
    if (death) throw new RigError(death.code, `while waiting for ${what}: ${death.message}`, { cause });
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) {
      const why = cause instanceof Error ? `: ${cause.message}` : "";
      throw new RigError("DEADLINE_PASSED", `waited ${deadlineMs} ms in vain for ${what}${why}`, { cause });
    }
    // An abort ends the pause early; the look at the signal above says why.
    await delay(Math.min(intervalMs, leftMs), undefined, signal ? { signal } : {}).catch(() => {});
  }
}

/** A condition that itself hangs must not outlast the deadline. */
async function withinDeadline<T>(answer: T | Promise<T>, deadline: number): Promise<T> {
  if (!(answer instanceof Promise)) return answer;
  const timer = new AbortController();
  try {
    const late = delay(Math.max(0, deadline - performance.now()), undefined, { signal: timer.signal }).then(
      () => {
        throw new RigError("CONDITION_HANGS", "the last look did not answer");
      },
    );
    late.catch(() => {});
    return await Promise.race([answer, late]);
  } finally {
    timer.abort();
  }
}
