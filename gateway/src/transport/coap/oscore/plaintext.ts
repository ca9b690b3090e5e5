import { type CoapMessage, type CoapOption, noBytes } from "./coap-message.ts";

const payloadMarker = 0xff;
/** More options than any message of the profile has; a plaintext comes from an authenticated peer that may be broken. */
const maxOptions = 64;

/**
 * Writes what is encrypted (RFC 8613 §5.3): code, inner options, payload.
 *
 *   code:1 │ options as in RFC 7252 §3.1 │ FF payload, if there is one
 */
export function encodePlaintext({ code, options, payload }: CoapMessage): Uint8Array {
  const parts: Uint8Array[] = [Uint8Array.of(code)];
  let previous = 0;
  for (const [number, value] of options) {
    parts.push(optionHead(number - previous, value.length), value);
    previous = number;
  }
  if (payload.length > 0) parts.push(Uint8Array.of(payloadMarker), payload);
  return Buffer.concat(parts);
}

/** @returns undefined if the bytes are not the plaintext of a CoAP message; values are views of the bytes */
export function decodePlaintext(bytes: Uint8Array): CoapMessage | undefined {
  const [code] = bytes;
  if (code === undefined) return undefined;
  const options: CoapOption[] = [];
  let number = 0;
  let at = 1;
  while (at < bytes.length) {
    const head = bytes[at++] as number;
    if (head === payloadMarker) {
      // A marker that no payload follows is an error of format (RFC 7252 §3).
      return at === bytes.length ? undefined : { code, options, payload: bytes.subarray(at) };
    }
    const delta = extended(bytes, at, head >> 4);
    if (!delta) return undefined;
    const length = extended(bytes, delta.at, head & 0x0f);
    if (!length || length.at + length.value > bytes.length || options.length === maxOptions) return undefined;
    number += delta.value;
    if (number > 0xffff) return undefined;
    at = length.at + length.value;
    options.push([number, bytes.subarray(length.at, at)]);
  }
  return { code, options, payload: noBytes };
}

/** A nibble of 13 or 14 is followed by 1 or 2 bytes; 15 is reserved (RFC 7252 §3.1). */
function extended(bytes: Uint8Array, at: number, nibble: number): { value: number; at: number } | undefined {
  if (nibble < 13) return { value: nibble, at };
  const count = nibble - 12;
  if (count > 2 || at + count > bytes.length) return undefined;
  const [first = 0, second = 0] = bytes.subarray(at, at + count);
  return count === 1 ? { value: 13 + first, at: at + 1 } : { value: 269 + first * 256 + second, at: at + 2 };
}

function optionHead(delta: number, length: number): Uint8Array {
  const [deltaNibble, deltaBytes] = nibbleOf(delta);
  const [lengthNibble, lengthBytes] = nibbleOf(length);
  return Uint8Array.of((deltaNibble << 4) | lengthNibble, ...deltaBytes, ...lengthBytes);
}

function nibbleOf(value: number): readonly [number, readonly number[]] {
  if (value < 13) return [value, []];
  if (value < 269) return [13, [value - 13]];
  return [14, [(value - 269) >> 8, (value - 269) & 0xff]];
}
