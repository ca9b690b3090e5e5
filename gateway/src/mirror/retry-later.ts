import type { Clock } from "../foundation/clock.ts";

/**
 * Keys whose next try has to wait, whatever else happens to them: a device that beats must not turn a taken name into a
 * request a beat.
 */
export class RetryLater {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** @returns how long from now */
  postpone(key: string): number {
    this.#until.set(key, this.#clock.monotonicMs() + this.#delayMs);
    return this.#delayMs;
  }

  /** @returns milliseconds left; 0 where the key may be tried */
  remaining(key: string): number {
    const leftMs = (this.#until.get(key) ?? 0) - this.#clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    this.#until.delete(key);
    return 0;
  }

  /** There is news: try at once. */
  forget(key: string): void {
    this.#until.delete(key);
  }
}
