import type { Duplex } from "node:stream";
import type { Clock } from "../../foundation/clock.ts";
import { ProtocolError, UnavailableError } from "../../foundation/errors.ts";
import { afterFlush } from "../after-flush.ts";
import { BackpressureGuard } from "../backpressure-guard.ts";
import { FloodMeter } from "../flood-meter.ts";
import { IdleTimer, type TimeoutReason } from "../idle-timer.ts";
import {
  encodeDataHead,
  encodeGoAway,
  encodePing,
  encodeRstStream,
  encodeSynReply,
  type Frame,
  FrameDecoder,
  resetStatus,
} from "./frame.ts";
import { HeaderBlockDecoder, HeaderBlockEncoder } from "./header-block.ts";
import { SpdyStream, type StreamCarrier } from "./stream.ts";

export interface SpdyLimits {
  /** Open streams at the same time; further ones are refused with RST_STREAM. */
  readonly streams: number;
  /** Frames within `floodWindowMs` that cost work and open no stream (PING, SETTINGS, HEADERS, refused streams). */
  readonly idleFrames: number;
  readonly floodWindowMs: number;
  /** Unsent bytes above which a PING is no longer answered. */
  readonly unsentBytes: number;
  /** Time without any byte in either direction after which the connection ends. */
  readonly idleTimeoutMs: number;
  /** Time between two probes of a peer whose bytes wait (BackpressureGuard). */
  readonly probeMs: number;
  /** How long input may wait without any of it being read before the connection ends. */
  readonly stallTimeoutMs: number;
  /** How long a peer may take to read the remaining bytes when the connection ends. */
  readonly lingerMs: number;
}

/** kube-apiserver pings every 5 s; a kubelet's idle timeout is 4 h. */
export const defaultSpdyLimits: SpdyLimits = {
  streams: 16,
  idleFrames: 200,
  floodWindowMs: 10_000,
  unsentBytes: 262_144,
  idleTimeoutMs: 4 * 3_600_000,
  probeMs: 5_000,
  stallTimeoutMs: 600_000,
  lingerMs: 2_000,
};

export interface SpdyConnectionOptions {
  readonly clock: Clock;
  readonly limits?: Partial<SpdyLimits>;
  /** Accepts or refuses a stream that the peer opens. Accepted ones are replied to at once unless they hold the reply. */
  readonly accept: (stream: SpdyStream) => boolean;
  /** A stream was refused because `limits.streams` are open. */
  readonly onCrowd?: () => void;
  /** This stream's input is not being read. If it is absent, the connection ends. */
  readonly onStalled?: (stream: SpdyStream) => void;
  /** A time limit has expired, with its name: IDLE_TIMEOUT ends the connection, STALLED ends it or calls `onStalled`. */
  readonly onTimeout?: (reason: TimeoutReason) => void;
  /** The peer broke the protocol; the connection is ending. */
  readonly onProtocolError?: (error: ProtocolError) => void;
}

/** The server's side of a SPDY/3.1 connection (SPDY protocol draft 3.1) on the socket of an HTTP upgrade. */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #options: SpdyConnectionOptions;
  readonly #limits: SpdyLimits;
  readonly #decoder = new FrameDecoder();
  readonly #headersIn = new HeaderBlockDecoder();
  readonly #headersOut = new HeaderBlockEncoder();
  readonly #streams = new Map<number, SpdyStream>();
  readonly #guard: BackpressureGuard<SpdyStream>;
  readonly #idle: IdleTimer;
  readonly #flood: FloodMeter;
  readonly #closed = Promise.withResolvers<void>();
  readonly #carrier: StreamCarrier;
  #lastStreamId = 0;
  #ending = false;
  #isClosed = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(socket: Duplex, options: SpdyConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#limits = { ...defaultSpdyLimits, ...options.limits };
    this.#carrier = {
      sendReply: (id) => this.#send(encodeSynReply(id, this.#headersOut.encode(new Map()))),
      sendData: (id, bytes, fin) => this.#sendData(id, bytes, fin),
      sendReset: (id, status) => this.#send(encodeRstStream(id, status)),
      crowded: (stream, isCrowded) => this.#guard.note(stream, isCrowded),
      ended: (stream) => this.#forget(stream),
    };
    const { clock, onStalled } = options;
    const { idleTimeoutMs, idleFrames, floodWindowMs, probeMs, stallTimeoutMs } = this.#limits;
    this.#idle = new IdleTimer(clock, idleTimeoutMs, () => {
      options.onTimeout?.("IDLE_TIMEOUT");
      this.#end();
    });
    this.#flood = new FloodMeter(clock, idleFrames, floodWindowMs);
    this.#guard = new BackpressureGuard({
      clock,
      probeMs,
      stallTimeoutMs,
      pause: () => void socket.pause(),
      resume: () => void socket.resume(),
      probe: () => this.#probe(),
      onStalled: (stream) => {
        options.onTimeout?.("STALLED");
        if (onStalled) onStalled(stream);
        else this.#end();
      },
    });
  }

  /** Resolves when the socket is closed, by either side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** @param head bytes that arrived with the upgrade request */
  start(head: Uint8Array): void {
    if (this.#socket.destroyed) {
      this.#onClose();
      return;
    }
    this.#idle.start();
    this.#socket.on("close", () => this.#onClose());
    // A half-closed TCP connection is a lost one: kube-apiserver tears both directions down.
    this.#socket.on("end", () => this.#socket.destroy());
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.on("drain", () => this.#onDrain());
    this.#socket.on("data", (bytes: Uint8Array) => this.#onData(bytes));
    if (head.length > 0) this.#onData(head);
  }

  /**
   * Ends the connection: sends the written bytes, waits up to `graceMs` longer for the peer to close it, then resets
   * open streams, sends GOAWAY and closes. A client closes by itself once it has read the FIN of each stream.
   */
  async close(graceMs = 0): Promise<void> {
    if (graceMs > 0 && !this.#isClosed) {
      const waits = { graceMs, flushTimeoutMs: this.#limits.stallTimeoutMs };
      const grace = afterFlush(this.#socket, this.#options.clock, waits, () => this.#end());
      await this.closed;
      grace.cancel();
      return;
    }
    this.#end();
    await this.closed;
  }

  #end(): void {
    if (this.#ending || this.#isClosed) return;
    this.#ending = true;
    for (const stream of this.#streams.values()) stream.reset(resetStatus.cancel);
    this.#send(encodeGoAway(this.#lastStreamId));
    this.#socket.once("finish", () => this.#socket.destroy());
    this.#socket.end();
    // Whatever the peer still sends is dropped; it must not keep the socket from closing.
    this.#socket.resume();
    const linger = this.#options.clock.after(this.#limits.lingerMs, () => this.#socket.destroy());
    void this.closed.then(() => linger.cancel());
  }

  #onData(bytes: Uint8Array): void {
    if (this.#ending) return;
    this.#idle.touch();
    try {
      for (const frame of this.#decoder.push(bytes)) this.#handle(frame);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.onProtocolError?.(error);
      this.#end();
    }
  }

  #handle(frame: Frame): void {
    switch (frame.type) {
      case "data": {
        const stream = this.#streams.get(frame.streamId);
        stream?.receive(frame.bytes);
        if (frame.fin) stream?.receiveEnd();
        return;
      }
      case "synStream":
        this.#open(frame.streamId, frame.fin, this.#headersIn.decode(frame.headerBlock));
        return;
      case "rstStream":
        // Costs nothing, and kubectl port-forward ends each connection with one, mostly after both FINs.
        this.#streams
          .get(frame.streamId)
          ?.fail(new UnavailableError("STREAM_RESET", `stream ${frame.streamId} was reset by the peer`));
        return;
      case "ping":
        this.#countIdleFrame();
        // Even ids are ours (we send none); an unanswered ping is the price of a peer that does not read.
        if (frame.id % 2 === 1 && this.#socket.writableLength <= this.#limits.unsentBytes)
          this.#send(encodePing(frame.id));
        return;
      case "headers":
      case "synReply":
        this.#countIdleFrame();
        // The block belongs to the shared zlib stream even where its headers mean nothing to us.
        this.#headersIn.decode(frame.headerBlock);
        return;
      case "settings":
      case "goAway":
        this.#countIdleFrame();
        return;
      case "windowUpdate":
        return;
      default:
        frame satisfies never;
    }
  }

  #open(id: number, fin: boolean, headers: ReadonlyMap<string, string>): void {
    if (id % 2 === 0 || id <= this.#lastStreamId)
      throw new ProtocolError(
        "SPDY_STREAM_ID",
        `SYN_STREAM with id ${id}: expected an odd id above ${this.#lastStreamId}`,
      );
    this.#lastStreamId = id;
    const stream = new SpdyStream(id, headers, this.#carrier);
    const isFull = this.#streams.size >= this.#limits.streams;
    if (isFull) this.#options.onCrowd?.();
    if (isFull || !this.#options.accept(stream)) {
      this.#countIdleFrame();
      this.#send(encodeRstStream(id, resetStatus.refusedStream));
      return;
    }
    this.#streams.set(id, stream);
    stream.accepted();
    if (fin) stream.receiveEnd();
  }

  #countIdleFrame(): void {
    if (this.#flood.take()) return;
    const { idleFrames, floodWindowMs } = this.#limits;
    throw new ProtocolError("SPDY_FLOOD", `more than ${idleFrames} idle frames in ${floodWindowMs} ms`);
  }

  async #sendData(streamId: number, bytes: Uint8Array, fin: boolean): Promise<void> {
    if (this.#isClosed || this.#socket.writableEnded) return;
    this.#idle.touch();
    this.#socket.cork();
    let hasRoom = this.#socket.write(encodeDataHead(streamId, bytes.length, fin));
    if (bytes.length > 0) hasRoom = this.#socket.write(bytes);
    this.#socket.uncork();
    if (!hasRoom && this.#socket.writableNeedDrain) await this.#drain();
  }

  #drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  #onDrain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #send(frame: Uint8Array): void {
    if (!this.#isClosed && !this.#socket.writableEnded) this.#socket.write(frame);
  }

  /**
   * An empty data frame. Never a PING: the peer would have to answer on a line that is full of its own bytes, and
   * spdystream stops reading for that.
   */
  #probe(): void {
    const [stream] = this.#streams.values();
    if (stream && this.#socket.writableLength <= this.#limits.unsentBytes)
      this.#send(encodeDataHead(stream.id, 0, false));
  }

  /** What it has left to read is bounded from now on, and must not keep the socket from being read. */
  #forget(stream: SpdyStream): void {
    this.#streams.delete(stream.id);
    this.#guard.note(stream, false);
  }

  #onClose(): void {
    this.#isClosed = true;
    this.#idle.close();
    this.#guard.close();
    for (const stream of [...this.#streams.values()])
      stream.fail(new UnavailableError("CONNECTION_LOST", "the client closed the connection"));
    this.#onDrain();
    this.#closed.resolve();
  }
}
