import { limits } from "@motelet/profiles";

/**
 * No repetition comes sooner, however fast the line is. Milliseconds. A carrier that says to wait long (MQTT, which
 * loses little but may stand still for a while) is not treated as a fast one: a burst that was only late, sent
 * again as a whole, delays everything behind it, and so on.
 */
export function floorRtoMs(carrierRtoMs: number): number {
  return Math.max(20, carrierRtoMs / 8);
}

/**
 * How long to wait before repeating, from measured round trips (RFC 6298 §2). Starts from the carrier's rto; after
 * each wait in vain the next is twice as long, up to eight times the carrier's.
 */
export class RoundTrip {
  readonly #carrierRtoMs: number;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #doublings = 0;

  constructor(carrierRtoMs: number) {
    this.#carrierRtoMs = carrierRtoMs;
  }

  /** Takes the time of one round trip; only of what was sent once (Karn's algorithm). */
  measured(tripMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = tripMs;
      this.#variationMs = tripMs / 2;
      return;
    }
    this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - tripMs);
    this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * tripMs;
  }

  /** The wait now. */
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
