import { generate, type OptionName, parse } from "coap-packet";
import { formatCode } from "./codes.ts";
import { type CoapOption, Option } from "./options.ts";
import { checkDatagram, type DatagramFault } from "./precheck.ts";

export type MessageType = "CON" | "NON" | "ACK" | "RST";

/** A request or a response without what the message layer adds. */
export interface MessageContent {
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** A message of CoAP (RFC 7252 §3). */
export interface CoapMessage extends MessageContent {
  readonly type: MessageType;
  readonly messageId: number;
  readonly token: Uint8Array;
}

const noBytes = new Uint8Array(0);

/** coap-packet names the options that it knows, and gives the number of others as text. */
const numberByName: ReadonlyMap<string, number> = new Map<OptionName, number>([
  ["If-Match", Option.ifMatch],
  ["Uri-Host", Option.uriHost],
  ["ETag", Option.etag],
  ["If-None-Match", Option.ifNoneMatch],
  ["Observe", Option.observe],
  ["Uri-Port", Option.uriPort],
  ["Location-Path", 8],
  ["OSCORE", Option.oscore],
  ["Uri-Path", Option.uriPath],
  ["Content-Format", Option.contentFormat],
  ["Max-Age", Option.maxAge],
  ["Uri-Query", Option.uriQuery],
  ["Hop-Limit", 16],
  ["Accept", Option.accept],
  ["Q-Block1", 19],
  ["Location-Query", 20],
  ["Block2", Option.block2],
  ["Block1", Option.block1],
  ["Size2", Option.size2],
  ["Q-Block2", 31],
  ["Proxy-Uri", Option.proxyUri],
  ["Proxy-Scheme", Option.proxyScheme],
  ["Size1", Option.size1],
  ["No-Response", 258],
  ["OCF-Accept-Content-Format-Version", 2049],
  ["OCF-Content-Format-Version", 2053],
]);

/**
 * Reads a datagram.
 * @param bytes belong to the message from now on, whose parts are views of them
 * @returns the message or the fault. A fault of a confirmable message names its id, for the
 *   reset that rejects it (RFC 7252 §4.2).
 */
export function decodeDatagram(
  bytes: Uint8Array,
  maxBytes: number,
): { readonly message: CoapMessage } | { readonly fault: DatagramFault; readonly rejects?: number } {
  const fault = checkDatagram(bytes, maxBytes);
  if (fault) {
    const isConfirmable = fault !== "too-short" && fault !== "version" && ((bytes[0] as number) & 0x30) === 0;
    return isConfirmable ? { fault, rejects: (bytes[2] as number) * 256 + (bytes[3] as number) } : { fault };
  }
  const packet = parse(asBuffer(bytes));
  const type = packet.confirmable ? "CON" : packet.ack ? "ACK" : packet.reset ? "RST" : "NON";
  const options = packet.options.map(({ name, value }) => ({
    number: numberByName.get(String(name)) ?? Number(name),
    value: asBytes(value),
  }));
  const { messageId } = packet;
  return {
    message: {
      type,
      code: bytes[1] as number,
      messageId,
      token: asBytes(packet.token),
      options,
      payload: asBytes(packet.payload),
    },
  };
}

/** The same bytes as coap-packet wants them. */
function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function asBytes({ buffer, byteOffset, length }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** @param message well formed: a token of at most 8 bytes, an empty message without content */
export function encodeDatagram(message: CoapMessage): Uint8Array {
  return generate(
    {
      code: formatCode(message.code),
      messageId: message.messageId,
      confirmable: message.type === "CON",
      ack: message.type === "ACK",
      reset: message.type === "RST",
      token: asBuffer(message.token),
      options: message.options.map(({ number, value }) => ({ name: number, value: asBuffer(value) })),
      payload: asBuffer(message.payload),
    },
    65_535,
  );
}

/** Bytes of the datagram that `encodeDatagram` makes of this content. */
export function encodedLength({ options, payload }: MessageContent, tokenBytes: number): number {
  const extension = (value: number) => (value < 13 ? 0 : value < 269 ? 1 : 2);
  let bytes = 4 + tokenBytes + (payload.length > 0 ? 1 + payload.length : 0);
  let last = 0;
  for (const { number, value } of options.toSorted((a, b) => a.number - b.number)) {
    bytes += 1 + extension(number - last) + extension(value.length) + value.length;
    last = number;
  }
  return bytes;
}

/** An empty acknowledgement or reset. */
export function encodeEmpty(type: "ACK" | "RST", messageId: number): Uint8Array {
  return Uint8Array.of(type === "ACK" ? 0x60 : 0x70, 0, messageId >> 8, messageId & 0xff);
}

/** A request or a response of these parts; without options and payload if they are left out. */
export function content(
  code: number,
  payload: Uint8Array = noBytes,
  options: readonly CoapOption[] = [],
): MessageContent {
  return { code, options, payload };
}
