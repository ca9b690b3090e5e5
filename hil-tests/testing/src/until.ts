import { setTimeout as delay } from "node:timers/promises";
import { inspect } from "node:util";

export interface UntilOptions {
  /** Milliseconds after which waiting fails; default 10,000. */
  readonly deadlineMs?: number;
  /** Milliseconds between two looks; default 5. */
  readonly intervalMs?: number;
  /** What the error shows as last seen; default: what the condition returned or threw last. */
  readonly seen?: () => unknown;
  /** Asked after each look: an error that makes waiting pointless, and is thrown at once. */
  readonly fatal?: () => Error | undefined;
  readonly signal?: AbortSignal;
}

/** What a condition returns while it does not hold. */
type NotYet = false | null | undefined | 0 | "";

/** Thrown by `until`. `cause` is what the condition threw last. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * Calls the condition repeatedly until it returns something truthy, and returns that.
 * A condition that throws does not hold yet, so it may consist of assertions: the last one is shown as last seen.
 * @param what is awaited, as a noun phrase or a clause: "the Node lamp to be Ready"
 * @param options more than a deadline, or the deadline in milliseconds
 * @throws DeadlineError with what was awaited and what was last seen; the fatal error; or the signal's reason
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  options: number | UntilOptions = {},
): Promise<Exclude<T, NotYet>> {
  const given = typeof options === "number" ? { deadlineMs: options } : options;
  const { deadlineMs = 30_000, intervalMs = 5, seen, fatal, signal } = given;
  const deadline = performance.now() + deadlineMs;
  let last: { readonly returned: unknown } | { readonly threw: unknown };
  for (;;) {
    signal?.throwIfAborted();
    try {
      const value = await beforeDeadline(condition(), deadline);
      if (value) return value as Exclude<T, NotYet>;
      last = { returned: value };
    } catch (threw) {
      last = { threw };
    }
    const error = fatal?.();
    if (error) throw error;
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) break;
    // An abort ends the pause early; the look at the signal above throws its reason.
    await delay(Math.min(intervalMs, leftMs), undefined, signal ? { signal } : {}).catch(() => {});
  }
  const shown = seen ? inspect(seen()) : "threw" in last ? messageOf(last.threw) : inspect(last.returned);
  throw new DeadlineError(
    `waited ${deadlineMs} ms in vain for ${what}; last seen: ${shown}`,
    "threw" in last ? { cause: last.threw } : {},
  );
}

const messageOf = (thrown: unknown) => (thrown instanceof Error ? thrown.message : inspect(thrown));

/** A condition that itself hangs does not outlast the deadline. */
async function beforeDeadline<T>(value: T | Promise<T>, deadline: number): Promise<T> {
  if (!(value instanceof Promise)) return value;
  const timer = new AbortController();
  const late = delay(Math.max(0, deadline - performance.now()), undefined, { signal: timer.signal }).then(
    () => {
      throw new DeadlineError("a condition that did not settle");
    },
  );
  late.catch(() => {});
  try {
    return await Promise.race([value, late]);
  } finally {
    timer.abort();
  }
}
