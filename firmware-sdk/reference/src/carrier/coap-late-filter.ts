/** Numbers that are this far behind the newest are late (SPEC §10.3). */
export const lateAfter = 32;

/**
 * Tells which notifications a device handles: each once, and only if it is not late. Until then order does not matter, since a
 * notification is a message of its own.
 */
export class LateFilter {
  readonly #modulus: number;
  readonly #seen = new Set<number>();
  #newest: number | undefined;

  /** @param bits numbers wrap after 2 to this power */
  constructor(bits: number) {
    this.#modulus = 2 ** bits;
  }

  /** @returns whether the message with this number is to be handled; from now on it was */
  takes(number: number): boolean {
    const newest = this.#newest ?? number;
    const ahead = this.#distance(number, newest);
    if (ahead <= -lateAfter || this.#seen.has(number)) return false;
    this.#seen.add(number);
    if (ahead < 0) return true;
    this.#newest = number;
    for (const old of this.#seen) if (this.#distance(old, number) <= -lateAfter) this.#seen.delete(old);
    return true;
  }

  /** From `from` to `to`, the shorter way around. */
  #distance(to: number, from: number): number {
    const half = this.#modulus / 2;
    return ((to - from + this.#modulus + half) % this.#modulus) - half;
  }
}
