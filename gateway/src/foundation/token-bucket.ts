/**
 * Bounds a rate: `burst` at once, then one every `refillMs`. Holds no timer; time is an argument (milliseconds, monotonic).
 */
export class TokenBucket {
  readonly #burst: number;
  readonly #refillMs: number;
  #tokens: number;
  #refilledAtMs: number;

  constructor(options: { burst: number; refillMs: number }, nowMs: number) {
    this.#burst = options.burst;
    this.#refillMs = options.refillMs;
    this.#tokens = options.burst;
    this.#refilledAtMs = nowMs;
  }

  /** Returns a token that was not needed. */
  giveBack(): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + 1);
  }

  /**
   * Takes a token.
   * @returns 0 if there was one, otherwise the milliseconds until the next one (nothing is taken)
   */
  take(nowMs: number): number {
    const earned = (nowMs - this.#refilledAtMs) / this.#refillMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + Math.max(0, earned));
    this.#refilledAtMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) * this.#refillMs);
  }
}
