import { setImmediate as breathe } from "node:timers/promises";
import { until } from "@motelet/testing";
import type { Clock } from "../../src/foundation/clock.ts";

/** A clock that a test moves. Not done: time passing by itself. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #wallOffsetMs: number;
  #timers: { readonly atMs: number; readonly callback: () => void }[] = [];

  constructor(wallMs = Date.parse("2026-11-21T12:00:00Z")) {
    this.#wallOffsetMs = wallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  /** What a person or a time server does to the wall clock; monotonic time does not notice. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Whether anybody waits for time to pass. */
  get isAwaited(): boolean {
    return this.#timers.length > 0;
  }

  after(delayMs: number, callback: () => void): { cancel: () => void } {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      },
    };
  }

  /** Moves time on and fires what is due, in its order; timers set while firing fire too if they are due. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#nowMs = due.atMs;
      due.callback();
    }
    this.#nowMs = untilMs;
  }

  /**
   * Advances step by step until the condition holds, and only while something waits for this clock: files, the store and
   * libraries take real time, however slow the machine is.
   */
  async advanceUntil(
    what: string,
    condition: () => boolean | Promise<boolean>,
    stepMs = 1_000,
  ): Promise<void> {
    const seen = () => `${this.#nowMs} ms of the manual clock`;
    const steps = async () => {
      for (let step = 0; step < 50; step++) {
        for (let pause = 0; pause < 3; pause++) await breathe();
        if (await condition()) return true;
        if (!this.isAwaited) return false;
        this.advance(stepMs);
      }
      return false;
    };
    await until(what, steps, { intervalMs: 1, seen });
  }
}
