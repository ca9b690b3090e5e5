/** The few DER encodings (X.690) that an X.509 certificate is made of. Encode only: nothing here reads foreign bytes. */

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

function element(tagByte: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tagByte), encodeLength(content.length), content]);
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = unsignedBytes(length);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

/** Big-endian, without leading zeros, at least one byte. */
function unsignedBytes(value: number): number[] {
  const low = value % 256;
  return value < 256 ? [low] : [...unsignedBytes(Math.floor(value / 256)), low];
}

export const sequence = (...contents: readonly Uint8Array[]) => element(tag.sequence, ...contents);
export const setOf = (...contents: readonly Uint8Array[]) => element(tag.set, ...contents);
export const octetString = (content: Uint8Array) => element(tag.octetString, content);
export const utf8String = (text: string) => element(tag.utf8String, Buffer.from(text, "utf8"));
export const booleanTrue = () => element(tag.boolean, Buffer.of(0xff));

/** A positive INTEGER of these big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80;
  return element(tag.integer, isNegative ? Buffer.of(0) : Buffer.alloc(0), bytes);
}

/** A BIT STRING; `unusedBits` of the last byte do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return element(tag.bitString, Buffer.of(unusedBits), bytes);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(tag.objectId, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128))
    digits.unshift(0x80 | (left % 128));
  return digits;
}

/** GeneralizedTime with seconds, UTC. */
export function generalizedTime(unixMs: number): Buffer {
  const text = new Date(unixMs).toISOString().slice(0, 19).replace(/[-:T]/g, "");
  return element(tag.generalizedTime, Buffer.from(`${text}Z`, "latin1"));
}

/** UTCTime, which X.509 wants for years before 2050 (RFC 5280 §4.1.2.5). */
export function x509Time(unixMs: number): Buffer {
  if (new Date(unixMs).getUTCFullYear() >= 2050) return generalizedTime(unixMs);
  const text = new Date(unixMs).toISOString().slice(2, 19).replace(/[-:T]/g, "");
  return element(0x17, Buffer.from(`${text}Z`, "latin1"));
}

/** `[number]` around other elements. */
export const explicitly = (number: number, content: Uint8Array) => element(0xa0 | number, content);

/** `[number] IMPLICIT` of a primitive. */
export const implicitly = (number: number, content: Uint8Array) => element(0x80 | number, content);
