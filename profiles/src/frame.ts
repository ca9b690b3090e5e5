import { crc16 } from "./crc16.ts";
import { limits } from "./limits.ts";

/** What comes out of a serial line: a message whose checksum is right, or console text. Bytes are copies. */
export type FrameItem =
  | { readonly kind: "message"; readonly bytes: Uint8Array }
  | { readonly kind: "text"; readonly bytes: Uint8Array };

/** Longest COBS encoding of `length` bytes (Cheshire & Baker 1999: one more for each 254). */
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
 *     text        00, good │ too long │ 100 ms of silence
 *
 * Holds at most one segment. A bad frame is weather: counted, never thrown.
 */
export class FrameDecoder {
  readonly #messageLimit: number;
  readonly #segment: Uint8Array;
  #length = 0;
  #inside = false;
  #lastByteMs = 0;
  #badFrames = 0;

  /** @param options.maxMessageBytes longest message that is taken; a longer one is a bad frame */
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
   * @returns what these bytes completed, oldest first; text is not joined over calls
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
        if (this.#length === this.#segment.length) this.#abandon(items);
      } else if (this.#length > 0) {
        const message = decodeSegment(this.#segment.subarray(0, this.#length), this.#messageLimit);
        if (message) {
          items.push({ kind: "message", bytes: message });
          this.#inside = false;
        } else {
          this.#salvage(items);
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
    if (this.#inside && nowMs - this.#lastByteMs >= limits.segmentSilenceMs) this.#abandon(items);
    return items;
  }

  #abandon(items: FrameItem[]): void {
    if (this.#length > 0) this.#salvage(items);
    this.#inside = false;
  }

  #salvage(items: FrameItem[]): void {
    this.#badFrames++;
    let from = this.#length;
    while (from > 0 && isText(this.#segment[from - 1] as number)) from--;
    if (this.#length - from >= limits.salvagedTextBytes) {
      items.push({ kind: "text", bytes: this.#segment.slice(from, this.#length) });
    }
    this.#length = 0;
  }
}

/** Not slice: that of a Buffer, which most callers bring, is a view of the whole read. */
function copyOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  return new Uint8Array(bytes.subarray(from, to));
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte <= 0x7e) || byte === 0x09 || byte === 0x0a || byte === 0x0d || byte === 0x1b;
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
