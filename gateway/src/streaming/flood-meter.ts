import type { Clock } from "../foundation/clock.ts";

/** Counts, in windows of time, requests that cost the gateway work and give the caller nothing. */
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

  /** @returns false if this one exceeds the limit of the window */
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
