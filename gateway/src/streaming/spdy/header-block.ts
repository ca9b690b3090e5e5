import { constants, inflateRawSync } from "node:zlib";
import { ProtocolError } from "../../foundation/errors.ts";
import { headerDictionary, headerDictionaryId } from "./dictionary.ts";

/** Bounds of one header block (CVE-2026-35469). Kubernetes sends at most three headers of a few bytes each. */
export const headerLimits = {
  headers: 32,
  nameBytes: 256,
  valueBytes: 4_096,
  /** Bytes of the inflated block. */
  blockBytes: 8_192,
} as const;

/** Deflate looks back no further. */
const windowBytes = 32_768;
const zlibHeadLength = 6;
/** RFC 1950: deflate, 32 KiB window, with a preset dictionary; the check bits make it a multiple of 31. */
const dictionaryFlag = 0x20;
/** What a sync flush ends with: an empty stored block, which also aligns the stream to a byte. */
const syncFlush = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * Reads the header blocks of one direction of a connection, which share one zlib stream:
 *
 *   count:32 ( length:32 name  length:32 value )*        names in lower case, several values joined by NUL
 *
 * Each block ends with a sync flush, that is on a byte between two deflate blocks. So the stream is kept as the last
 * 32 KiB of plain text, and each block is inflated alone with that as its dictionary: in order and without waiting,
 * which Node's zlib streams cannot do. A connection holds 32 KiB for it.
 */
export class HeaderBlockDecoder {
  #window: Uint8Array | undefined;

  /**
   * @returns the headers; the values of a repeated name are joined by NUL
   * @throws ProtocolError after which the stream cannot be read further
   */
  decode(block: Uint8Array): ReadonlyMap<string, string> {
    return parseHeaders(this.#inflate(block));
  }

  #inflate(block: Uint8Array): Buffer {
    let deflated = block;
    if (!this.#window) {
      expectZlibHead(block);
      deflated = block.subarray(zlibHeadLength);
      this.#window = headerDictionary;
    }
    if (!syncFlush.equals(deflated.subarray(-syncFlush.length)))
      throw new ProtocolError("SPDY_HEADER_BLOCK", "header block does not end with a sync flush");
    const plain = inflateBlock(deflated, this.#window);
    const joined = Buffer.concat([this.#window, plain]);
    this.#window = joined.subarray(Math.max(0, joined.length - windowBytes));
    return plain;
  }
}

function expectZlibHead(block: Uint8Array): void {
  const head = Buffer.from(block.subarray(0, zlibHeadLength));
  const good =
    head.length === zlibHeadLength &&
    (head[0]! & 0x0f) === 8 &&
    head.readUInt16BE(0) % 31 === 0 &&
    (head[1]! & dictionaryFlag) !== 0 &&
    head.readUInt32BE(2) === headerDictionaryId;
  if (!good)
    throw new ProtocolError("SPDY_HEADER_BLOCK", "header stream does not start from the SPDY/3 dictionary");
}

function inflateBlock(deflated: Uint8Array, dictionary: Uint8Array): Buffer {
  try {
    return inflateRawSync(deflated, {
      dictionary,
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: headerLimits.blockBytes,
    });
  } catch (cause) {
    const tooLong = cause instanceof RangeError;
    throw new ProtocolError(
      tooLong ? "SPDY_HEADER_TOO_LONG" : "SPDY_HEADER_BLOCK",
      tooLong
        ? `header block inflates to more than ${headerLimits.blockBytes} bytes`
        : "header block cannot be inflated",
      { cause },
    );
  }
}

function parseHeaders(plain: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > plain.length - at)
      throw new ProtocolError("SPDY_HEADER_BLOCK", `header block of ${plain.length} bytes is cut short`);
    at += length;
    return plain.subarray(at - length, at);
  };
  const text = (limit: number): string => {
    const length = take(4).readUInt32BE();
    if (length > limit)
      throw new ProtocolError("SPDY_HEADER_TOO_LONG", `header part of ${length} bytes: limit ${limit}`);
    return take(length).toString("utf8");
  };
  const count = take(4).readUInt32BE();
  if (count > headerLimits.headers)
    throw new ProtocolError("SPDY_HEADER_COUNT", `${count} headers: limit ${headerLimits.headers}`);
  for (let index = 0; index < count; index++) {
    const name = text(headerLimits.nameBytes);
    if (name === "" || name !== name.toLowerCase() || headers.has(name))
      throw new ProtocolError("SPDY_HEADER_BLOCK", "header name is empty, repeated or not in lower case");
    headers.set(name, text(headerLimits.valueBytes));
  }
  if (at !== plain.length)
    throw new ProtocolError("SPDY_HEADER_BLOCK", `${plain.length - at} bytes follow the last header`);
  return headers;
}

/**
 * Writes header blocks without compressing them: stored deflate blocks, each followed by a sync flush. An encoder
 * belongs to one direction of one connection, because the zlib header is written only before the first block.
 */
export class HeaderBlockEncoder {
  #started = false;

  encode(headers: ReadonlyMap<string, string>): Buffer {
    const plain = formatHeaders(headers);
    const stored = Buffer.alloc(5);
    stored.writeUInt16LE(plain.length, 1);
    stored.writeUInt16LE(~plain.length & 0xffff, 3);
    const flush = Buffer.concat([Buffer.of(0x00), syncFlush]);
    const parts = this.#started ? [stored, plain, flush] : [zlibHead(), stored, plain, flush];
    this.#started = true;
    return Buffer.concat(parts);
  }
}

function zlibHead(): Buffer {
  const head = Buffer.from([0x78, dictionaryFlag, 0, 0, 0, 0]);
  head.writeUInt32BE(headerDictionaryId, 2);
  return head;
}

function formatHeaders(headers: ReadonlyMap<string, string>): Buffer {
  const counted = (text: string) => {
    const bytes = Buffer.from(text, "utf8");
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    return [length, bytes];
  };
  const count = Buffer.alloc(4);
  count.writeUInt32BE(headers.size);
  return Buffer.concat([
    count,
    ...[...headers].flatMap(([name, value]) => [...counted(name), ...counted(value)]),
  ]);
}
