import { ProtocolError } from "../../foundation/errors.ts";

/**
 * SPDY/3.1 frames (draft-mbelshe-httpbis-spdy-00 §2.2).
 *
 *   control  1│version:15=3 │ type:16 │ flags:8 │ length:24 │ payload
 *   data     0│stream:31              │ flags:8 │ length:24 │ payload
 */
export const controlType = {
  synStream: 1,
  synReply: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  headers: 8,
  windowUpdate: 9,
} as const;

/** Flag of data, SYN_STREAM, SYN_REPLY and HEADERS: the sender's half of the stream ends here. */
export const flagFin = 0x01;

/** Why a stream was reset (§2.6.3). */
export const resetStatus = { protocolError: 1, invalidStream: 2, refusedStream: 3, cancel: 5 } as const;

const headLength = 8;
const version3 = 0x8003;

/** The largest control payload accepted. Kubernetes' header blocks have well under 200 bytes. */
export const maxControlLength = 16_384;

export type Frame =
  /** A part of a data frame: the payload is passed on as it comes and never collected. `fin` is on the last part. */
  | { readonly type: "data"; readonly streamId: number; readonly fin: boolean; readonly bytes: Uint8Array }
  | {
      readonly type: "synStream";
      readonly streamId: number;
      readonly fin: boolean;
      readonly headerBlock: Uint8Array;
    }
  | {
      readonly type: "synReply" | "headers";
      readonly streamId: number;
      readonly fin: boolean;
      readonly headerBlock: Uint8Array;
    }
  | { readonly type: "rstStream"; readonly streamId: number; readonly status: number }
  | { readonly type: "settings"; readonly entries: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "goAway"; readonly lastGoodStreamId: number; readonly status: number }
  | { readonly type: "windowUpdate"; readonly streamId: number };

/**
 * Cuts a byte stream into frames. Holds one frame head and at most `maxControlLength` bytes of one control frame.
 */
export class FrameDecoder {
  readonly #head = Buffer.alloc(headLength);
  #headFilled = 0;
  /** Payload bytes of the current frame still to come; -1 while its head is incomplete. */
  #remaining = -1;
  #control: Buffer | undefined;

  /**
   * @param bytes any split of the stream, one byte at a time included; data frames alias it
   * @returns the frames and parts of data frames that these bytes complete, in order
   * @throws ProtocolError if the stream cannot be read further; the connection must end
   */
  push(bytes: Uint8Array): Frame[] {
    const frames: Frame[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#remaining < 0) {
        at = this.#takeHead(bytes, at);
        if (this.#headFilled < headLength) break;
        this.#openFrame();
      }
      const part = bytes.subarray(at, at + this.#remaining);
      at += part.length;
      if (this.#control) part.length > 0 && this.#control.set(part, this.#control.length - this.#remaining);
      this.#remaining -= part.length;
      const frame = this.#control ? this.#completeControl(this.#control) : this.#dataPart(part);
      if (frame) frames.push(frame);
      if (this.#remaining === 0) this.#closeFrame();
    }
    return frames;
  }

  #takeHead(bytes: Uint8Array, at: number): number {
    const part = bytes.subarray(at, at + headLength - this.#headFilled);
    this.#head.set(part, this.#headFilled);
    this.#headFilled += part.length;
    return at + part.length;
  }

  #openFrame(): void {
    this.#remaining = this.#head.readUIntBE(5, 3);
    if ((this.#head[0]! & 0x80) === 0) {
      if (this.#head.readUInt32BE(0) === 0)
        throw new ProtocolError("SPDY_STREAM_ID", "data frame for stream 0");
      return;
    }
    const version = this.#head.readUInt16BE(0);
    if (version !== version3)
      throw new ProtocolError("SPDY_VERSION", `control frame of version ${version & 0x7fff}: expected 3`);
    if (this.#remaining > maxControlLength)
      throw new ProtocolError(
        "SPDY_FRAME_TOO_LONG",
        `control frame of ${this.#remaining} bytes: limit ${maxControlLength}`,
      );
    this.#control = Buffer.alloc(this.#remaining);
  }

  #closeFrame(): void {
    this.#headFilled = 0;
    this.#remaining = -1;
    this.#control = undefined;
  }

  #dataPart(bytes: Uint8Array): Frame | undefined {
    const fin = this.#remaining === 0 && (this.#head[4]! & flagFin) !== 0;
    if (bytes.length === 0 && !fin) return undefined;
    return { type: "data", streamId: this.#head.readUInt32BE(0), fin, bytes };
  }

  #completeControl(payload: Buffer): Frame | undefined {
    if (this.#remaining > 0) return undefined;
    return parseControl(this.#head.readUInt16BE(2), this.#head[4]!, payload);
  }
}

function parseControl(type: number, flags: number, payload: Buffer): Frame {
  const fin = (flags & flagFin) !== 0;
  switch (type) {
    case controlType.synStream:
      expectLength("SYN_STREAM", payload, 10, maxControlLength);
      return { type: "synStream", streamId: streamIdAt(payload, 0), fin, headerBlock: payload.subarray(10) };
    case controlType.synReply:
      expectLength("SYN_REPLY", payload, 4, maxControlLength);
      return { type: "synReply", streamId: streamIdAt(payload, 0), fin, headerBlock: payload.subarray(4) };
    case controlType.headers:
      expectLength("HEADERS", payload, 4, maxControlLength);
      return { type: "headers", streamId: streamIdAt(payload, 0), fin, headerBlock: payload.subarray(4) };
    case controlType.rstStream: {
      expectLength("RST_STREAM", payload, 8, 8);
      const status = payload.readUInt32BE(4);
      if (status === 0) throw new ProtocolError("SPDY_RST_STATUS", "RST_STREAM with status 0");
      return { type: "rstStream", streamId: streamIdAt(payload, 0), status };
    }
    case controlType.settings: {
      expectLength("SETTINGS", payload, 4, maxControlLength);
      // CVE-2026-35469: the count is the peer's word, the frame's length is the fact.
      const entries = payload.readUInt32BE(0);
      if (payload.length !== 4 + entries * 8)
        throw new ProtocolError(
          "SPDY_FRAME_LENGTH",
          `SETTINGS of ${payload.length} bytes declares ${entries} entries`,
        );
      return { type: "settings", entries };
    }
    case controlType.ping: {
      expectLength("PING", payload, 4, 4);
      const id = payload.readUInt32BE(0);
      if (id === 0) throw new ProtocolError("SPDY_PING_ID", "PING with id 0");
      return { type: "ping", id };
    }
    case controlType.goAway:
      expectLength("GOAWAY", payload, 8, 8);
      return {
        type: "goAway",
        lastGoodStreamId: payload.readUInt32BE(0) & 0x7fffffff,
        status: payload.readUInt32BE(4),
      };
    case controlType.windowUpdate:
      expectLength("WINDOW_UPDATE", payload, 8, 8);
      return { type: "windowUpdate", streamId: payload.readUInt32BE(0) & 0x7fffffff };
    default:
      throw new ProtocolError("SPDY_FRAME_TYPE", `control frame of unknown type ${type}`);
  }
}

function expectLength(name: string, payload: Buffer, min: number, max: number): void {
  if (payload.length < min || payload.length > max)
    throw new ProtocolError(
      "SPDY_FRAME_LENGTH",
      `${name} of ${payload.length} bytes: expected ${min}…${max}`,
    );
}

function streamIdAt(payload: Buffer, offset: number): number {
  const id = payload.readUInt32BE(offset) & 0x7fffffff;
  if (id === 0) throw new ProtocolError("SPDY_STREAM_ID", "control frame for stream 0");
  return id;
}

/** The head of a data frame; its `length` payload bytes (at most 2^24 − 1) must follow. */
export function encodeDataHead(streamId: number, length: number, fin: boolean): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUInt32BE(streamId);
  head[4] = fin ? flagFin : 0;
  head.writeUIntBE(length, 5, 3);
  return head;
}

export function encodeSynReply(streamId: number, headerBlock: Uint8Array): Buffer {
  return encodeControl(controlType.synReply, 0, [uint32(streamId), headerBlock]);
}

export function encodeRstStream(streamId: number, status: number): Buffer {
  return encodeControl(controlType.rstStream, 0, [uint32(streamId), uint32(status)]);
}

export function encodePing(id: number): Buffer {
  return encodeControl(controlType.ping, 0, [uint32(id)]);
}

export function encodeGoAway(lastGoodStreamId: number): Buffer {
  return encodeControl(controlType.goAway, 0, [uint32(lastGoodStreamId), uint32(0)]);
}

export function encodeControl(type: number, flags: number, parts: readonly Uint8Array[]): Buffer {
  const payload = Buffer.concat(parts);
  const head = Buffer.alloc(headLength);
  head.writeUInt16BE(version3);
  head.writeUInt16BE(type, 2);
  head[4] = flags;
  head.writeUIntBE(payload.length, 5, 3);
  return Buffer.concat([head, payload]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
