import type { Clock } from "../foundation/clock.ts";

/**
 * Keys whose next try is delayed, whatever else happens to them: each beat of a device must not cause a request for a
 * Node name that is not free.
 */
export class RetryLater {
  readonly #clock: Clock;
  readonly #delayMs: number;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock, delayMs: number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** @returns milliseconds from now */
  postpone(key: string): number {
    this.#until.set(key, this.#clock.monotonicMs() + this.#delayMs);
    return this.#delayMs;
  }

  /** @returns milliseconds left; 0 if the key may be tried */
  remaining(key: string): number {
    const leftMs = (this.#until.get(key) ?? 0) - this.#clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    this.#until.delete(key);
    return 0;
  }

  /** The cause may have changed: try at once. */
  forget(key: string): void {
    this.#until.delete(key);
  }
}
