import { limits } from "@motelet/profiles";

/**
 * When to resend unanswered messages: after rto, 2 rto, 4 rto, 8 rto, 8 rto … (SPEC §5). Everything that is
 * retransmitted uses this timer.
 */
export class RetransmitTimer {
  #rtoMs: number;
  #factor = 1;
  /** When to repeat; Infinity while nothing waits for an answer. */
  atMs = Number.POSITIVE_INFINITY;

  constructor(rtoMs: number) {
    this.#rtoMs = rtoMs;
  }

  /** Starts to wait, unless it already does. */
  arm(nowMs: number): void {
    if (this.atMs === Number.POSITIVE_INFINITY) this.atMs = nowMs + this.#rtoMs * this.#factor;
  }

  /** Progress was made: nothing is due, and the next wait is rto. */
  stop(): void {
    this.#factor = 1;
    this.atMs = Number.POSITIVE_INFINITY;
  }

  /** The wait is over without progress: the next one is twice as long. */
  backOff(): void {
    this.#factor = Math.min(this.#factor * 2, limits.rtoBackoff);
    this.atMs = Number.POSITIVE_INFINITY;
  }

  setRto(rtoMs: number): void {
    this.#rtoMs = rtoMs;
    this.stop();
  }
}
