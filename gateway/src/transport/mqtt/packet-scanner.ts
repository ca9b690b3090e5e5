/** A fault in the bytes: the label of the counter. */
export type PacketFault = "not-mqtt" | "malformed-length" | "packet-too-long";

/**
 * Follows the packet boundaries of an MQTT byte stream without holding any of it (MQTT 3.1.1 §2.2).
 *
 *   type·flags:1 │ remaining length:1–4, 7 bits each, little end first │ remaining length bytes
 *
 * Pure; knows only where packets begin and how long they say they are.
 */
export class PacketScanner {
  readonly #packetBytes: number;
  #state: "first" | "type" | "length" | "body" = "first";
  #length = 0;
  #lengthBytes = 0;

  /** @param packetBytes largest allowed remaining length */
  constructor(packetBytes: number) {
    this.#packetBytes = packetBytes;
  }

  /** @returns how many packets began in these bytes, or the first fault; nothing may be pushed after a fault */
  push(bytes: Uint8Array): number | PacketFault {
    let packets = 0;
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === "body") {
        const skipped = Math.min(this.#length, bytes.length - at);
        at += skipped;
        this.#length -= skipped;
        if (this.#length === 0) this.#state = "type";
        continue;
      }
      const byte = bytes[at++] as number;
      if (this.#state === "length") {
        const fault = this.#pushLength(byte);
        if (fault) return fault;
      } else {
        // [MQTT-3.1.0-1] The first packet must be a CONNECT.
        if (this.#state === "first" && byte !== 0x10) return "not-mqtt";
        packets++;
        this.#state = "length";
        this.#length = 0;
        this.#lengthBytes = 0;
      }
    }
    return packets;
  }

  #pushLength(byte: number): PacketFault | undefined {
    this.#length += (byte & 0x7f) * 128 ** this.#lengthBytes++;
    if (this.#length > this.#packetBytes) return "packet-too-long";
    if (byte & 0x80) return this.#lengthBytes === 4 ? "malformed-length" : undefined;
    this.#state = this.#length === 0 ? "type" : "body";
    return undefined;
  }
}
