import { generate, parse } from "coap-packet";

/** Codes of CoAP that a device sends or has to tell from others (RFC 7252 §12.1, RFC 8132), as on the wire: class:3 detail:5. */
export const CoapCode = {
  empty: 0x00,
  post: 0x02,
  fetch: 0x05,
  changed: 0x44,
  content: 0x45,
  unauthorized: 0x81,
  forbidden: 0x83,
  conflict: 0x89,
  serviceUnavailable: 0xa3,
} as const;

/** Options that a device sends or understands (RFC 7252 §5.10, RFC 7641, 8613, 9175). */
export const CoapOptionNumber = {
  observe: 6,
  oscore: 9,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  echo: 252,
} as const;

export interface CoapOption {
  readonly number: number;
  readonly value: Uint8Array;
}

/** A request or a response without what the message layer adds: this is what a protection works on. */
export interface CoapContent {
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

export type CoapType = "CON" | "NON" | "ACK" | "RST";

/** A message of CoAP (RFC 7252 §3). */
export interface CoapMessage extends CoapContent {
  readonly type: CoapType;
  readonly messageId: number;
  readonly token: Uint8Array;
}

/** Longest datagram that a device takes: what every path of IPv6 carries. */
export const longestDatagram = 1_280;

/** coap-packet gives the names of options that it knows, and the numbers of others. */
const numbers: ReadonlyMap<string, number> = new Map([
  ["Observe", CoapOptionNumber.observe],
  ["OSCORE", CoapOptionNumber.oscore],
  ["Content-Format", CoapOptionNumber.contentFormat],
  ["Max-Age", CoapOptionNumber.maxAge],
]);

/** Named options without a meaning for a device that a message may have all the same: they are elective. */
const elective: ReadonlySet<string> = new Set(["ETag", "Location-Path", "Location-Query", "Size1", "Size2"]);

/** Whether a message with this option cannot be used (RFC 7252 §5.4.1): odd numbers are critical. */
const isUnusable = (number: number) => (number & 1) === 1 && number !== CoapOptionNumber.oscore;

export function encodeCoap(message: CoapMessage): Buffer {
  return generate(
    {
      code: textOf(message.code),
      confirmable: message.type === "CON",
      ack: message.type === "ACK",
      reset: message.type === "RST",
      messageId: message.messageId,
      token: asBuffer(message.token),
      options: message.options.map(({ number, value }) => ({ name: number, value: asBuffer(value) })),
      payload: asBuffer(message.payload),
    },
    longestDatagram,
  );
}

/** An acknowledgement or a reset without content. */
export function encodeEmptyCoap(type: "ACK" | "RST", messageId: number): Uint8Array {
  return Uint8Array.of(type === "ACK" ? 0x60 : 0x70, 0, messageId >> 8, messageId & 0xff);
}

/** @returns undefined for what is no message of CoAP, or a response that has a critical option which a device does not know */
export function decodeCoap(bytes: Buffer): CoapMessage | undefined {
  if (bytes.length > longestDatagram || ((bytes[0] ?? 0) & 0x0f) > 8) return undefined;
  try {
    const packet = parse(bytes);
    const options: CoapOption[] = [];
    for (const { name, value } of packet.options) {
      const number = numbers.get(String(name)) ?? Number(name);
      if (Number.isInteger(number) ? isUnusable(number) : !elective.has(String(name))) return undefined;
      if (Number.isInteger(number)) options.push({ number, value });
    }
    const { confirmable, ack, reset, messageId, token, payload } = packet;
    const type = confirmable ? "CON" : ack ? "ACK" : reset ? "RST" : "NON";
    return { type, code: bytes[1] as number, messageId, token, options, payload };
  } catch {
    // coap-packet throws errors of several kinds at what it cannot read.
    return undefined;
  }
}

/** The value of the first option with this number. */
export function coapOption({ options }: CoapContent, number: number): Uint8Array | undefined {
  return options.find((option) => option.number === number)?.value;
}

/** The first option with this number as an unsigned integer (RFC 7252 §3.2). */
export function coapUint(content: CoapContent, number: number): number | undefined {
  return coapOption(content, number)?.reduce((sum, byte) => sum * 256 + byte, 0);
}

/** `4.01`, as people write it. */
export function textOf(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, "0")}`;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
