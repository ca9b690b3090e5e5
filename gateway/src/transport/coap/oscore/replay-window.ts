/** Sequence numbers behind the highest one that may still arrive (RFC 8613 §3.2.2). */
export const replayWindowSize = 32;

/**
 * Which sequence numbers of a peer were accepted. A new window is unverified: after a restart nobody knows what was accepted
 * before, so the peer has to prove with Echo that a request is fresh (RFC 8613 Appendix B.1.2).
 */
export class ReplayWindow {
  #highest = -1;
  /** Bit i: `highest - i` was accepted. */
  #accepted = 0;

  get verified(): boolean {
    return this.#highest >= 0;
  }

  /** A request with this number was proved fresh: all numbers up to it are spent. */
  verify(sequence: number): void {
    this.#highest = sequence;
    this.#accepted = 0xffff_ffff;
  }

  /** Whether a number may be accepted. Ask before decryption, which costs more. */
  isNew(sequence: number): boolean {
    const age = this.#highest - sequence;
    if (age < 0) return true;
    return age < replayWindowSize && (this.#accepted & (1 << age)) === 0;
  }

  /** Marks a number as accepted. Call it only for messages that were authenticated, or a forger could move the window. */
  accept(sequence: number): void {
    const step = sequence - this.#highest;
    if (step > 0) {
      // A shift by 32 would be one by 0.
      this.#accepted = step >= replayWindowSize ? 1 : (this.#accepted << step) | 1;
      this.#highest = sequence;
    } else this.#accepted |= 1 << -step;
  }
}
