import type { Clock, Timer } from "./clock.ts";

/**
 * One timer for something whose due time keeps moving. Moving it later costs nothing: the timer fires at the old time,
 * the callback finds nothing due and sets the new one.
 */
export class Deadline {
  readonly #clock: Clock;
  readonly #callback: () => void;
  #timer: Timer | undefined;
  #dueMs = Number.POSITIVE_INFINITY;

  /** @param callback runs at or before the due time, and must set the next one */
  constructor(clock: Clock, callback: () => void) {
    this.#clock = clock;
    this.#callback = callback;
  }

  /** @param dueMs on the monotonic clock; undefined: never */
  set(dueMs: number | undefined): void {
    if (dueMs === undefined) {
      this.cancel();
      return;
    }
    if (this.#timer && this.#dueMs <= dueMs) return;
    this.#timer?.cancel();
    this.#dueMs = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => {
      this.#timer = undefined;
      this.#callback();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }
}
