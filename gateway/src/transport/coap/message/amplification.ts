/** Bytes that an unverified address may receive for each byte that came from it (RFC 9175 §2.6, RFC 9000 §8.1). */
export const amplificationFactor = 3;

/**
 * Bounds what is sent to an address that may be forged, so that the gateway is no amplifier. The address is verified when
 * it has returned an Echo value that was sent to it.
 */
export class AddressBudget {
  #receivedBytes = 0;
  #sentBytes = 0;
  #isVerified = false;

  get isVerified(): boolean {
    return this.#isVerified;
  }

  /** Bytes that may be sent now. */
  get availableBytes(): number {
    return this.#isVerified
      ? Number.POSITIVE_INFINITY
      : Math.max(0, amplificationFactor * this.#receivedBytes - this.#sentBytes);
  }

  received(bytes: number): void {
    if (!this.#isVerified) this.#receivedBytes += bytes;
  }

  verify(): void {
    this.#isVerified = true;
  }

  /** Takes the bytes of a datagram from the budget. @returns false: it must not be sent */
  take(bytes: number): boolean {
    if (this.#isVerified) return true;
    if (bytes > this.availableBytes) return false;
    this.#sentBytes += bytes;
    return true;
  }
}
