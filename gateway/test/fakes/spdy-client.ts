import { request as httpsRequest, type RequestOptions } from "node:https";
import type { Duplex } from "node:stream";
import {
  controlType,
  encodeControl,
  encodeDataHead,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  type Frame,
  FrameDecoder,
  flagFin,
} from "../../src/streaming/spdy/frame.ts";
import { HeaderBlockDecoder, HeaderBlockEncoder } from "../../src/streaming/spdy/header-block.ts";

/** Priority 0, no associated stream. */
export function encodeSynStream(streamId: number, headerBlock: Uint8Array, fin = false): Buffer {
  const ids = Buffer.alloc(10);
  ids.writeUInt32BE(streamId);
  return encodeControl(controlType.synStream, fin ? flagFin : 0, [ids, headerBlock]);
}

export interface UpgradeAnswer {
  readonly code: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly client?: SpdyClient;
}

/** Asks for an upgrade; resolves with the client on 101, else with the refusal. */
export function upgrade(options: RequestOptions): Promise<UpgradeAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<UpgradeAnswer>();
  const sent = httpsRequest({ method: "POST", ...options });
  sent.on("upgrade", (answer, socket, head) =>
    resolve({ code: 101, body: "", headers: answer.headers, client: new SpdyClient(socket, head) }),
  );
  sent.on("response", (answer) => {
    const parts: Buffer[] = [];
    answer.on("data", (bytes: Buffer) => parts.push(bytes));
    answer.on("end", () =>
      resolve({
        code: answer.statusCode ?? 0,
        body: Buffer.concat(parts).toString(),
        headers: answer.headers,
      }),
    );
  });
  sent.on("error", reject);
  sent.end();
  return promise;
}

interface ClientStream {
  readonly parts: Uint8Array[];
  length: number;
  readonly replied: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<Buffer>;
}

/**
 * A client as Go's spdystream is one: no windows, no SETTINGS. Not done: header compression (stored blocks), and
 * dropping data that comes before a SYN_REPLY (it throws instead).
 */
export class SpdyClient {
  readonly socket: Duplex;
  readonly closed: Promise<void>;
  readonly frames: Frame[] = [];
  readonly #decoder = new FrameDecoder();
  readonly #headersIn = new HeaderBlockDecoder();
  readonly #headersOut = new HeaderBlockEncoder();
  readonly #streams = new Map<number, ClientStream>();
  #nextId = 1;

  constructor(socket: Duplex, head: Uint8Array) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.setMaxListeners(0);
    socket.on("end", () => socket.destroy());
    socket.on("data", (bytes: Buffer) => this.#receive(bytes));
    if (head.length > 0) this.#receive(head);
  }

  /**
   * @param headers all of them, or the stream's type alone
   * @returns the stream's id, once the server has replied
   */
  async open(headers: string | Readonly<Record<string, string>>): Promise<number> {
    const given = typeof headers === "string" ? { streamtype: headers } : headers;
    const id = this.#nextId;
    this.#nextId += 2;
    const stream: ClientStream = {
      parts: [],
      length: 0,
      replied: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    stream.replied.promise.catch(() => undefined);
    stream.ended.promise.catch(() => undefined);
    this.#streams.set(id, stream);
    this.socket.write(encodeSynStream(id, this.#headersOut.encode(new Map(Object.entries(given)))));
    await stream.replied.promise;
    return id;
  }

  /** Resolves when the socket has room. */
  async send(id: number, bytes: Uint8Array, fin = false): Promise<void> {
    this.socket.write(encodeDataHead(id, bytes.length, fin));
    if (this.socket.write(bytes)) return;
    const drained = new Promise<void>((resolve) => this.socket.once("drain", resolve));
    await Promise.race([drained, this.closed]);
  }

  /** Everything of a stream once the server has ended it. */
  read(id: number): Promise<Buffer> {
    return this.#streams.get(id)!.ended.promise;
  }

  received(id: number): number {
    return this.#streams.get(id)!.length;
  }

  /** Drops what is kept of a stream that is read to its end. */
  forget(id: number): void {
    this.#streams.delete(id);
  }

  ping(id: number): void {
    this.socket.write(encodePing(id));
  }

  reset(id: number): void {
    this.socket.write(encodeRstStream(id, 5));
  }

  /** As kubectl does in the end. */
  close(): void {
    this.socket.end(encodeGoAway(0));
  }

  #receive(bytes: Uint8Array): void {
    for (const frame of this.#decoder.push(bytes)) {
      if (frame.type !== "data") this.frames.push(frame);
      if (!("streamId" in frame)) continue;
      const stream = this.#streams.get(frame.streamId);
      if (!stream) continue;
      if (frame.type === "synReply") {
        if (this.#headersIn.decode(frame.headerBlock).size > 0) throw new Error("headers in a SYN_REPLY");
        stream.replied.resolve();
      } else if (frame.type === "rstStream") {
        stream.replied.reject(new Error("stream refused"));
        stream.ended.reject(new Error("stream reset"));
      } else if (frame.type === "data") {
        stream.parts.push(Uint8Array.from(frame.bytes));
        stream.length += frame.bytes.length;
        if (frame.fin) stream.ended.resolve(Buffer.concat(stream.parts));
      }
    }
  }
}
