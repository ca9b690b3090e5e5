import { crc16 } from "./crc16.ts";
import { limits } from "./limits.ts";

/** An item on a serial line: a message whose checksum is right, or console text. Bytes are copies. */
export type FrameItem =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "text"; readonly bytes: Uint8Array };

/** Longest COBS encoding of `length` bytes (Cheshire & Baker 1999: one extra byte for each 254). */
export function maxCobsLength(length: number): number {
  return length + Math.ceil(length / 254);
}

/**
 * Encodes a message for a serial line (SPEC §4.1), both delimiters included.
 *
 *   00 │ COBS( message ‖ crc16 BE ) │ 00
 */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const crc = crc16(message);
  const body = new Uint8Array(message.length + 2);
  body.set(message);
  body[message.length] = crc >> 8;
  body[message.length + 1] = crc & 0xff;
  const frame = new Uint8Array(body.length + Math.floor(body.length / 254) + 3);
  let codeAt = 1;
  let at = 2;
  for (const byte of body) {
    // A full group is closed only when more follows, so that 254 bytes without a zero need no empty group.
    if (at - codeAt === 255) {
      frame[codeAt] = 255;
      codeAt = at++;
    }
    if (byte === 0) {
      frame[codeAt] = at - codeAt;
      codeAt = at++;
    } else {
      frame[at++] = byte;
    }
  }
  frame[codeAt] = at - codeAt;
  return frame.slice(0, at + 1);
}

/**
 * Decodes bytes from a serial line into messages and console text (SPEC §4.2, §4.3).
 *
 *                 00                        00, bad → count, salvage ┌──┐
 *   ┌─────────┐ ─────────────────▶ ┌────────┐ ─────────────────────────┘  │
 *   │ outside │                    │ inside │ ◀───────────────────────────┘
 *   └─────────┘ ◀───────────────── └────────┘
 *     text        00, good │ too long │ 100 ms of silence │ begins like no message, and no frame was good yet
 *
 * Holds at most one segment. A bad frame is expected: counted, never thrown.
 */
export class FrameDecoder {
  readonly #messageLimit: number;
  readonly #segment: Uint8Array;
  #length = 0;
  #inside = false;
  #heard = false;
  #lastByteMs = 0;
  #badFrames = 0;

  /** @param options.maxMessageBytes longest message that is accepted; a longer one is a bad frame */
  constructor(options: { readonly maxMessageBytes: number }) {
    this.#messageLimit = options.maxMessageBytes;
    this.#segment = new Uint8Array(maxCobsLength(options.maxMessageBytes + 2) + 1);
  }

  /** Whether a segment is open, so that silence would end it. */
  get pending(): boolean {
    return this.#inside;
  }

  get badFrames(): number {
    return this.#badFrames;
  }

  /**
   * @param bytes any split of the stream, one byte at a time included
   * @returns the items that these bytes completed, oldest first; text is not joined over calls
   */
  push(bytes: Uint8Array, nowMs: number): FrameItem[] {
    const items = this.expire(nowMs);
    this.#lastByteMs = nowMs;
    let textFrom = 0;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (!this.#inside) {
        if (byte !== 0) continue;
        if (at > textFrom) items.push({ kind: "text", bytes: copyOf(bytes, textFrom, at) });
        this.#inside = true;
        this.#length = 0;
      } else if (byte !== 0) {
        this.#segment[this.#length++] = byte;
        if (this.#length === this.#segment.length || (!this.#heard && this.#isNoFrame(byte)))
          this.#abandon(items, 0);
      } else if (this.#length > 0) {
        const message = decodeSegment(this.#segment.subarray(0, this.#length), this.#messageLimit);
        if (message) {
          items.push({ kind: "message", bytes: message });
          this.#inside = false;
          this.#heard = true;
        } else {
          this.#salvage(items, limits.salvagedTextBytes);
        }
      }
      textFrom = at + 1;
    }
    if (!this.#inside && textFrom < bytes.length)
      items.push({ kind: "text", bytes: copyOf(bytes, textFrom, bytes.length) });
    return items;
  }

  /** Ends a segment that has seen no byte for 100 ms. */
  expire(nowMs: number): FrameItem[] {
    const items: FrameItem[] = [];
    if (this.#inside && nowMs - this.#lastByteMs >= limits.segmentSilenceMs)
      this.#abandon(items, limits.salvagedTextBytes);
    return items;
  }

  /** Behind the code byte of COBS a message begins: with the head of an array. */
  #isNoFrame(last: number): boolean {
    return this.#length === 2 && last >> 5 !== 4;
  }

  #abandon(items: FrameItem[], minAtEnd: number): void {
    if (this.#length > 0) this.#salvage(items, minAtEnd);
    this.#inside = false;
  }

  #salvage(items: FrameItem[], minAtEnd: number): void {
    this.#badFrames++;
    const bytes = textOf(this.#segment.subarray(0, this.#length), minAtEnd);
    if (bytes.length > 0) items.push({ kind: "text", bytes });
    this.#length = 0;
  }
}

/** Not slice: that of a Buffer, which most callers bring, is a view of the whole read. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

/**
 * The runs of text of a segment, joined (SPEC §4.3).
 * @param minAtEnd how long the run that ends with the segment has to be
 */
function textOf(segment: Uint8Array, minAtEnd: number): Uint8Array {
  const text = new Uint8Array(segment.length);
  let length = 0;
  let runFrom = 0;
  for (let at = 0; at < segment.length; ) {
    const next = endOfCharacter(segment, at);
    if (next === at) {
      if (length - runFrom < limits.salvagedTextBytes) length = runFrom;
      runFrom = length;
      at++;
    }
    while (at < next) text[length++] = segment[at++] as number;
  }
  if (length - runFrom < minAtEnd && length < segment.length) length = runFrom;
  return text.slice(0, length);
}

/** Where the character of text at a place ends, or is cut off by the end of the bytes; the place itself if there is none. */
function endOfCharacter(bytes: Uint8Array, from: number): number {
  const lead = bytes[from] as number;
  if (lead < 0x80) return isText(lead) ? from + 1 : from;
  if (lead < 0xc2 || lead > 0xf4) return from;
  const end = from + (lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4);
  let code = lead & (0xff >> (end - from + 1));
  for (let at = from + 1; at < end; at++) {
    if (at === bytes.length) return at;
    const byte = bytes[at] as number;
    if (byte >> 6 !== 2) return from;
    code = (code << 6) | (byte & 0x3f);
  }
  const min = end - from === 2 ? 0x80 : end - from === 3 ? 0x800 : 0x10000;
  return code < min || code > 0x10ffff || code >> 11 === 0xd800 >> 11 ? from : end;
}

/** What a terminal takes: bell to carriage return, escape, and what ASCII prints. */
function isText(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || (byte >= 0x07 && byte <= 0x0d) || byte === 0x1b;
}

/** The message of a segment without delimiters, or undefined where COBS or checksum are wrong. */
function decodeSegment(segment: Uint8Array, messageLimit: number): Uint8Array | undefined {
  const body = new Uint8Array(segment.length);
  let length = 0;
  let at = 0;
  while (at < segment.length) {
    const code = segment[at++] as number;
    const end = at + code - 1;
    if (end > segment.length) return undefined;
    while (at < end) body[length++] = segment[at++] as number;
    if (code !== 255 && at < segment.length) body[length++] = 0;
  }
  if (length < 3 || length - 2 > messageLimit) return undefined;
  const crc = ((body[length - 2] as number) << 8) | (body[length - 1] as number);
  const message = body.slice(0, length - 2);
  return crc16(message) === crc ? message : undefined;
}
