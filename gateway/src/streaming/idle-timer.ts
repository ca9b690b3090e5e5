import type { Clock, Timer } from "../foundation/clock.ts";

/** Why a connection was ended although it broke no rule. */
export type TimeoutReason = "IDLE_TIMEOUT" | "STALLED" | "STREAMS_LATE";

/** Calls back once if `touch` was not called for a time. A touch creates no timer. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #onIdle: () => void;
  #touchedMs = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, timeoutMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#onIdle = onIdle;
  }

  start(): void {
    this.touch();
    this.#arm(this.#timeoutMs);
  }

  touch(): void {
    this.#touchedMs = this.#clock.monotonicMs();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #arm(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const leftMs = this.#touchedMs + this.#timeoutMs - this.#clock.monotonicMs();
      if (leftMs <= 0) this.#onIdle();
      else this.#arm(leftMs);
    });
  }
}
