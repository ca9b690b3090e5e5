import { createHmac, timingSafeEqual } from "node:crypto";

const timeBytes = 4;
const macBytes = 8;

/**
 * Echo values (RFC 9175 §2.2, Appendix A.2), which prove that a peer receives at its address and that its request is fresh.
 * Nothing is stored for a value:
 *
 *   time, ms / 100:4 BE │ HMAC-SHA-256(key, subject ‖ 00 ‖ time):8
 *
 * @param key 32 random bytes of this process
 */
export class EchoValues {
  readonly #key: Uint8Array;
  readonly #lifetimeMs: number;

  constructor(key: Uint8Array, lifetimeMs: number) {
    this.#key = key;
    this.#lifetimeMs = lifetimeMs;
  }

  /** @param subject whom the value is for, such as the address of the peer */
  issue(subject: string, nowMs: number): Uint8Array {
    const time = Buffer.alloc(timeBytes);
    time.writeUInt32BE(Math.floor(nowMs / 100) >>> 0);
    return Buffer.concat([time, this.#mac(subject, time)]);
  }

  /** Whether the value was issued for the subject, within the lifetime. */
  isFresh(value: Uint8Array, subject: string, nowMs: number): boolean {
    if (value.length !== timeBytes + macBytes) return false;
    const time = Buffer.from(value.subarray(0, timeBytes));
    if (!timingSafeEqual(this.#mac(subject, time), value.subarray(timeBytes))) return false;
    const ageMs = nowMs - time.readUInt32BE() * 100;
    return ageMs >= 0 && ageMs <= this.#lifetimeMs;
  }

  #mac(subject: string, time: Uint8Array): Uint8Array {
    return createHmac("sha256", this.#key).update(`${subject}\0`).update(time).digest().subarray(0, macBytes);
  }
}
