import { limits } from "@motelet/profiles";

/**
 * The minimum wait before a repetition, also on a fast line. Milliseconds. A carrier with a long rto (MQTT, which loses
 * little but may stall for a while) is not treated as a fast one: repeating a whole burst that was only late delays
 * everything behind it, which then is repeated too.
 */
export function floorRtoMs(carrierRtoMs: number): number {
  return Math.max(20, carrierRtoMs / 8);
}

/**
 * How long to wait before repeating, from measured round trips (RFC 6298 §2). Starts with the carrier's rto; each wait
 * without an answer doubles the next one, up to eight times the carrier's rto.
 */
export class RoundTrip {
  readonly #carrierRtoMs: number;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #doublings = 0;

  constructor(carrierRtoMs: number) {
    this.#carrierRtoMs = carrierRtoMs;
  }

  /** Adds the time of one round trip; only for messages that were sent once (Karn's algorithm). */
  measured(tripMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = tripMs;
      this.#variationMs = tripMs / 2;
      return;
    }
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - tripMs);
    this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * tripMs;
  }

  /** The present wait. */
  get waitMs(): number {
    const longestMs = limits.rtoBackoff * this.#carrierRtoMs;
    const baseMs =
      this.#smoothedMs === undefined
        ? this.#carrierRtoMs
        : Math.max(floorRtoMs(this.#carrierRtoMs), this.#smoothedMs + 4 * this.#variationMs);
    return Math.min(longestMs, baseMs * 2 ** this.#doublings);
  }

  waitedInVain(): void {
    if (this.waitMs < limits.rtoBackoff * this.#carrierRtoMs) this.#doublings += 1;
  }

  progressed(): void {
    this.#doublings = 0;
  }
}
