/** How long to wait between attempts; times in milliseconds. */
export interface BackoffPolicy {
  readonly baseMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Share of the wait that is random: 0 = exact, 1 = between nothing and the whole wait. */
  readonly jitter: number;
}

/**
 * Wait before the next attempt, exponential and capped.
 * @param attempt failures so far, counted from 0
 * @param random in [0, 1): spreads callers that failed together
 */
export function backoffMs(policy: BackoffPolicy, attempt: number, random: number): number {
  const exponential = policy.baseMs * policy.factor ** Math.min(attempt, 64);
  const capped = Math.min(policy.maxMs, exponential);
  return capped * (1 - policy.jitter * random);
}
