/** This many changes at once, then one every `refillMs`. */
export interface Pace {
  readonly burst: number;
  readonly refillMs: number;
}

/** Sums of parts of a token are not exact. */
const almostNothing = 1e-9;

/**
 * A queue in front of a token bucket. A waiting key keeps its place; a key that no longer needs a token leaves without
 * spending one. Keys need not ask again: {@link called} returns the next key. Time is an argument (milliseconds,
 * monotonic).
 */
export class ReadyPace {
  readonly #pace: Pace;
  /** In order of arrival; bounded by the number of devices. */
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

  /** @returns 0 if it is this key's turn (a token is spent), else the milliseconds after which to ask again */
  take(key: string, nowMs: number): number {
    this.#refill(nowMs);
    // A key that does not use its turn blocks no other: the next token is for the next key.
    const ahead = this.#ahead(key);
    if (this.#tokens + almostNothing >= ahead + 1) {
      this.#tokens = Math.max(0, this.#tokens - 1);
      this.#waiting.delete(key);
      return 0;
    }
    this.#waiting.add(key);
    return Math.ceil((ahead + 1 - this.#tokens) * this.#pace.refillMs);
  }

  /** The key whose turn it is, and the milliseconds after which it is the turn of another; undefined if no key waits. */
  called(nowMs: number): { readonly keys: readonly string[]; readonly againMs: number | undefined } {
    this.#refill(nowMs);
    if (this.#waiting.size === 0) return { keys: [], againMs: undefined };
    const turns = Math.floor(this.#tokens + almostNothing);
    const missing = Math.min(1, turns + 1 - this.#tokens);
    const keys = [...this.#waiting.values().take(turns)];
    return { keys, againMs: Math.max(1, Math.ceil(missing * this.#pace.refillMs - almostNothing)) };
  }

  leave(key: string): void {
    this.#waiting.delete(key);
  }

  #refill(nowMs: number): void {
    const { burst, refillMs } = this.#pace;
    const earned = Math.max(0, nowMs - this.#refilledAtMs) / refillMs;
    this.#tokens = Math.min(burst, this.#tokens + earned);
    this.#refilledAtMs = nowMs;
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
