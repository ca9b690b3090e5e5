import { Code, codeClass } from "./codes.ts";

/** Why a datagram is no CoAP message; the label of a counter. */
export type DatagramFault =
  | "too-short"
  | "too-long"
  | "version"
  | "token-length"
  | "code-class"
  | "empty-with-content"
  | "option-format"
  | "option-number"
  | "option-count"
  | "truncated"
  | "empty-payload";

/** Options of one message; the longest that motelet uses has 12. */
const maxOptions = 32;
const maxOptionNumber = 65_535;

/**
 * Checks a datagram before coap-packet parses it, which reads past the end of an option, takes tokens of any length and
 * accepts a payload marker without payload (RFC 7252 §3).
 *
 *   ver:2 type:2 tkl:4 │ code:8 │ message id:16 │ token:tkl │ options … │ FF payload?
 *
 * @param maxBytes longest datagram that is accepted
 * @returns undefined if the message is well formed
 */
export function checkDatagram(bytes: Uint8Array, maxBytes: number): DatagramFault | undefined {
  if (bytes.length < 4) return "too-short";
  const first = bytes[0] as number;
  if (first >> 6 !== 1) return "version";
  if (bytes.length > maxBytes) return "too-long";
  const tokenLength = first & 0x0f;
  if (tokenLength > 8) return "token-length";
  const code = bytes[1] as number;
  if (code === Code.empty) return bytes.length === 4 ? undefined : "empty-with-content";
  if ([1, 6, 7].includes(codeClass(code))) return "code-class";
  if (4 + tokenLength > bytes.length) return "truncated";
  return checkOptions(bytes, 4 + tokenLength);
}

function checkOptions(bytes: Uint8Array, start: number): DatagramFault | undefined {
  let at = start;
  let number = 0;
  let count = 0;
  while (at < bytes.length) {
    const head = bytes[at++] as number;
    if (head === 0xff) return at < bytes.length ? undefined : "empty-payload";
    const delta = extended(bytes, at, head >> 4);
    if (typeof delta === "string") return delta;
    const length = extended(bytes, at + delta.bytes, head & 0x0f);
    if (typeof length === "string") return length;
    number += delta.value;
    if (number > maxOptionNumber) return "option-number";
    if (++count > maxOptions) return "option-count";
    at += delta.bytes + length.bytes + length.value;
    if (at > bytes.length) return "truncated";
  }
  return undefined;
}

/** A nibble of an option's head with its extension: 13 adds a byte, 14 adds two, 15 is reserved (RFC 7252 §3.1). */
function extended(
  bytes: Uint8Array,
  at: number,
  nibble: number,
): { readonly value: number; readonly bytes: number } | DatagramFault {
  if (nibble < 13) return { value: nibble, bytes: 0 };
  if (nibble === 15) return "option-format";
  const size = nibble - 12;
  if (at + size > bytes.length) return "truncated";
  const value =
    size === 1 ? (bytes[at] as number) + 13 : 269 + (bytes[at] as number) * 256 + (bytes[at + 1] as number);
  return { value, bytes: size };
}
