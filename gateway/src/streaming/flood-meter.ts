import type { Clock } from "../foundation/clock.ts";

/** Counts what costs us work and gives the caller nothing, in windows of time. */
export class FloodMeter {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #windowMs: number;
  #count = 0;
  #windowStartMs: number;

  constructor(clock: Clock, limit: number, windowMs: number) {
    this.#clock = clock;
    this.#limit = limit;
    this.#windowMs = windowMs;
    this.#windowStartMs = clock.monotonicMs();
  }

  /** @returns false where this was one more than the window takes */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#windowStartMs >= this.#windowMs) {
      this.#windowStartMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    return this.#count <= this.#limit;
  }
}
