import { randomBytes } from "node:crypto";
import { type CoapMessage, type CoapOption, noBytes } from "./coap-message.ts";
import type { SequenceSource } from "./oscore-peer.ts";
import { decodePlaintext, encodePlaintext } from "./plaintext.ts";
import { deriveContext, type SecurityContext } from "./security-context.ts";

/** What tests of OSCORE share: contexts of two sides, messages, and whole datagrams. */

export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text, "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** The contexts of a device and of its gateway. */
export function contextPair(kid = hex("0a0b"), masterSecret: Uint8Array = randomBytes(16)) {
  const input = { masterSecret, masterSalt: Buffer.from("lamp.1") };
  const device = deriveContext({ ...input, senderId: kid, recipientId: noBytes });
  const gateway = deriveContext({ ...input, senderId: noBytes, recipientId: kid });
  return { device, gateway } satisfies Record<string, SecurityContext>;
}

export function message(code: number, options: readonly CoapOption[] = [], payload = ""): CoapMessage {
  return { code, options, payload: Buffer.from(payload) };
}

/** A sender sequence that is always ready. */
export function numbersFrom(take: () => number | undefined): SequenceSource {
  return { take, ready: Promise.resolve() };
}

/** A datagram in parts: what the message layer keeps (version, type, token length; id; token) and the message. */
export function parseDatagram(text: string): { readonly head: Uint8Array; readonly message: CoapMessage } {
  const bytes = hex(text);
  const end = 4 + ((bytes[0] ?? 0) & 0x0f);
  const rest = Buffer.concat([bytes.subarray(1, 2), bytes.subarray(end)]);
  const parsed = decodePlaintext(rest);
  if (!parsed) throw new RangeError(`no CoAP message: ${text}`);
  return { head: bytes.subarray(0, end), message: parsed };
}

/** The same datagram with another message in it. */
export function formatDatagram(head: Uint8Array, content: CoapMessage): string {
  const rest = encodePlaintext(content);
  return toHex(Buffer.concat([head.subarray(0, 1), rest.subarray(0, 1), head.subarray(2), rest.subarray(1)]));
}

/** Whole numbers below a limit, the same for the same seed (mulberry32). */
export function randomOf(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}
