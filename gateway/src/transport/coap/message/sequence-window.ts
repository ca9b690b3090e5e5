/** Numbers below the newest that are still accepted if they were not seen, as OSCORE has it (RFC 8613 §7.4). */
export const windowSize = 32;

/** How far a number may be from the newest in either direction before it belongs to another sequence. */
export const maxDistance = 1_024;

/** `stale`: seen, or so old that it is not known whether it was. `foreign`: of another sequence. */
export type SequenceVerdict = "new" | "stale" | "foreign";

/**
 * Accepts each number of an ascending sequence once, whatever the order in which the network delivers them. A message that is
 * retransmitted for a long time would otherwise arrive when its stream id means another stream.
 */
export class SequenceWindow {
  readonly #modulus: number;
  #newest: number;
  /** Bit n: newest − n was seen. */
  #seen = 0xffff_ffff;

  /** @param newest a number that was seen; all before it count as seen, too */
  constructor(bits: 16 | 24, newest: number) {
    this.#modulus = 2 ** bits;
    this.#newest = newest;
  }

  accept(number: number): SequenceVerdict {
    const half = this.#modulus / 2;
    const ahead = ((number - this.#newest + this.#modulus + half) % this.#modulus) - half;
    if (Math.abs(ahead) > maxDistance) return "foreign";
    if (ahead > 0) {
      this.#seen = ahead >= windowSize ? 1 : ((this.#seen << ahead) | 1) >>> 0;
      this.#newest = number;
      return "new";
    }
    const bit = -ahead >= windowSize ? undefined : (1 << -ahead) >>> 0;
    if (bit === undefined || (this.#seen & bit) !== 0) return "stale";
    this.#seen = (this.#seen | bit) >>> 0;
    return "new";
  }
}
