/** So many changes at once, then one every `refillMs`. */
export interface Pace {
  readonly burst: number;
  readonly refillMs: number;
}

/** Who waits looks again after this at the latest: the line may have become shorter. */
const lookAgainMs = 5_000;

/**
 * A line before a token bucket. Who waits keeps the place, who no longer wants anything leaves it without having
 * spent a token. Time is an argument (milliseconds, monotonic).
 */
export class ReadyPace {
  readonly #pace: Pace;
  /** In order of arrival; bounded by the devices there are. */
  readonly #waiting = new Set<string>();
  #tokens: number;
  #refilledAtMs: number;

  constructor(pace: Pace, nowMs: number) {
    this.#pace = pace;
    this.#tokens = pace.burst;
    this.#refilledAtMs = nowMs;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** @returns 0 where it is this key's turn (a token is spent), else the milliseconds after which to ask again */
  take(key: string, nowMs: number): number {
    const { burst, refillMs } = this.#pace;
    const earned = Math.max(0, nowMs - this.#refilledAtMs) / refillMs;
    this.#tokens = Math.min(burst, this.#tokens + earned);
    this.#refilledAtMs = nowMs;
    // One who does not come when it is their turn holds up nobody: the next token is for the one behind.
    const ahead = this.#ahead(key);
    if (this.#tokens >= ahead + 1) {
      this.#tokens -= 1;
      this.#waiting.delete(key);
      return 0;
    }
    this.#waiting.add(key);
    return Math.min(lookAgainMs, Math.ceil((ahead + 1 - this.#tokens) * refillMs));
  }

  leave(key: string): void {
    this.#waiting.delete(key);
  }

  #ahead(key: string): number {
    if (!this.#waiting.has(key)) return this.#waiting.size;
    let ahead = 0;
    for (const other of this.#waiting) {
      if (other === key) break;
      ahead += 1;
    }
    return ahead;
  }
}
