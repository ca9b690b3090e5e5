import type { RawData } from "ws";
import type { Clock } from "../../foundation/clock.ts";
import { ProtocolError, UnavailableError } from "../../foundation/errors.ts";
import { afterFlush } from "../after-flush.ts";
import { BackpressureGuard } from "../backpressure-guard.ts";
import { FloodMeter } from "../flood-meter.ts";
import { IdleTimer, type TimeoutReason } from "../idle-timer.ts";
import { Channel } from "./channel.ts";
import { answerPings, lingerOnce } from "./control-frames.ts";
import type { AcceptedWebSocket } from "./handshake.ts";

export interface ChannelLimits {
  /** Messages within `floodWindowMs` without content: empty ones, half closes, those for channels that are not read. */
  readonly idleMessages: number;
  readonly floodWindowMs: number;
  readonly unsentBytes: number;
  readonly idleTimeoutMs: number;
  readonly probeMs: number;
  readonly stallTimeoutMs: number;
  /** How long a client may take to answer a close, or to close the connection. */
  readonly lingerMs: number;
}

/** The same limits as over SPDY. */
export const defaultChannelLimits: ChannelLimits = {
  idleMessages: 200,
  floodWindowMs: 10_000,
  unsentBytes: 262_144,
  idleTimeoutMs: 4 * 3_600_000,
  probeMs: 5_000,
  stallTimeoutMs: 600_000,
  lingerMs: 5_000,
};

export interface ChannelsOptions {
  readonly clock: Clock;
  /** The number of channels, and which of them the gateway reads. */
  readonly count: number;
  readonly readable: ReadonlySet<number>;
  /** Text messages: the channel as a digit, the bytes in base64. */
  readonly base64: boolean;
  /** v5: `[255, channel]` ends the client's half of a channel. */
  readonly halfClose: boolean;
  /** A channel on which an empty message does no harm; it shows whether the client is alive. */
  readonly probeChannel: number;
  readonly limits?: Partial<ChannelLimits>;
  readonly onProtocolError: (error: ProtocolError) => void;
  /** A time limit has expired, with its name; the connection ends. */
  readonly onTimeout?: (reason: TimeoutReason) => void;
}

const halfCloseMark = 255;
const closeCode = { normal: 1_000, protocolError: 1_002, policy: 1_008 } as const;

/**
 * Several channels on one WebSocket, as Kubernetes numbers them (subprotocols *.channel.k8s.io, KEP-4006): the first
 * byte of a message is the channel's number. There are no windows: writes wait for the socket, and unread input stops
 * reading it.
 */
export class WebSocketChannels {
  readonly #accepted: AcceptedWebSocket;
  readonly #options: ChannelsOptions;
  readonly #limits: ChannelLimits;
  readonly #channels: readonly Channel[];
  readonly #closed = Promise.withResolvers<void>();
  readonly #guard: BackpressureGuard<Channel>;
  readonly #flood: FloodMeter;
  readonly #idle: IdleTimer;
  #isClosed = false;
  #isEnding = false;
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(accepted: AcceptedWebSocket, options: ChannelsOptions) {
    const { webSocket, socket } = accepted;
    const { clock, onTimeout } = options;
    const giveUp = (reason: TimeoutReason) => {
      onTimeout?.(reason);
      webSocket.terminate();
    };
    this.#accepted = accepted;
    this.#options = options;
    this.#limits = { ...defaultChannelLimits, ...options.limits };
    const { idleMessages, floodWindowMs, idleTimeoutMs, probeMs, stallTimeoutMs, lingerMs } = this.#limits;
    this.#flood = new FloodMeter(clock, idleMessages, floodWindowMs);
    this.#idle = new IdleTimer(clock, idleTimeoutMs, () => giveUp("IDLE_TIMEOUT"));
    this.#guard = new BackpressureGuard({
      clock,
      probeMs,
      stallTimeoutMs,
      pause: () => webSocket.pause(),
      resume: () => webSocket.resume(),
      probe: () => this.#probe(),
      onStalled: () => giveUp("STALLED"),
    });
    this.#channels = Array.from(
      { length: options.count },
      (_, number) =>
        new Channel(number, {
          send: (from, bytes) => this.#send(from, bytes),
          crowded: (channel, isCrowded) => this.#guard.note(channel, isCrowded),
        }),
    );
    webSocket.on("message", (data, isBinary) => this.#receive(data, isBinary));
    // ws has answered what the client did wrong with a close frame by then.
    webSocket.on("error", (error: Error & { readonly code?: string }) => {
      options.onProtocolError(new ProtocolError(error.code ?? "WS_ERR", error.message));
    });
    answerPings(accepted, clock, () => this.#break("WS_FLOOD", "too many pings", closeCode.policy));
    lingerOnce(accepted, clock, lingerMs);
    socket.on("drain", () => this.#onDrain());
    socket.on("close", () => this.#onClose());
    this.#idle.start();
    if (socket.destroyed) this.#onClose();
  }

  /** Resolves when the socket is closed, by either side. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  channel(number: number): Channel {
    const channel = this.#channels[number];
    if (!channel) throw new RangeError(`no channel ${number}`);
    return channel;
  }

  /** Sends the written bytes, closes with code 1000 and waits for the client to do the same. */
  async close(): Promise<void> {
    if (!this.#isClosed) this.#end(closeCode.normal, this.#limits.stallTimeoutMs);
    await this.closed;
  }

  async #send(number: number, bytes: Uint8Array): Promise<void> {
    const { webSocket, socket } = this.#accepted;
    if (this.#isClosed || this.#isEnding)
      throw new UnavailableError("CONNECTION_LOST", "the client closed the connection");
    this.#idle.touch();
    if (this.#options.base64) webSocket.send(`${number}${Buffer.from(bytes).toString("base64")}`, ignore);
    else webSocket.send(Buffer.concat([Buffer.of(number), bytes]), ignore);
    if (socket.writableNeedDrain) await this.#drain();
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#isEnding) return;
    this.#idle.touch();
    const bytes = Buffer.isBuffer(data)
      ? data
      : Buffer.concat(Array.isArray(data) ? data : [Buffer.from(data)]);
    const number = bytes[0] ?? 0;
    if (this.#options.halfClose && isBinary && number === halfCloseMark) {
      const target = this.#channels[bytes[1] ?? halfCloseMark];
      if (bytes.length !== 2 || !target)
        this.#break("WS_HALF_CLOSE", `half close of ${bytes.length} bytes, channel ${bytes[1] ?? "none"}`);
      else if (this.#countIdle()) target.receiveEnd();
      return;
    }
    const channel = this.#options.base64 ? number - 0x30 : number;
    const payload = this.#decode(bytes.subarray(1));
    if (payload.length > 0 && this.#options.readable.has(channel)) this.#channels[channel]?.receive(payload);
    else this.#countIdle();
  }

  /** What is no base64 is dropped, as a kubelet does. */
  #decode(bytes: Buffer): Buffer {
    if (!this.#options.base64) return bytes;
    const text = bytes.toString("latin1");
    return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
      ? Buffer.from(text, "base64")
      : Buffer.alloc(0);
  }

  #countIdle(): boolean {
    if (this.#flood.take()) return true;
    const { idleMessages, floodWindowMs } = this.#limits;
    this.#break(
      "WS_FLOOD",
      `more than ${idleMessages} idle messages in ${floodWindowMs} ms`,
      closeCode.policy,
    );
    return false;
  }

  #break(code: string, message: string, close: number = closeCode.protocolError): void {
    if (this.#isEnding) return;
    this.#options.onProtocolError(new ProtocolError(code, message));
    this.#end(close, this.#limits.lingerMs);
  }

  #end(code: number, flushTimeoutMs: number): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const { webSocket, socket } = this.#accepted;
    // Whatever the client still sends is dropped; it must not keep the close frame of the client from being read.
    for (const channel of this.#channels) channel.discardInput();
    webSocket.close(code);
    const waits = { graceMs: this.#limits.lingerMs, flushTimeoutMs };
    const linger = afterFlush(socket, this.#options.clock, waits, () => webSocket.terminate());
    void this.closed.then(() => linger.cancel());
  }

  #probe(): void {
    const { webSocket, socket } = this.#accepted;
    if (socket.writableLength > this.#limits.unsentBytes || this.#isEnding) return;
    const { base64, probeChannel } = this.#options;
    webSocket.send(base64 ? String(probeChannel) : Buffer.of(probeChannel), ignore);
  }

  #drain(): Promise<void> {
    this.#drained ??= Promise.withResolvers<void>();
    return this.#drained.promise;
  }

  #onDrain(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }

  #onClose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#idle.close();
    this.#guard.close();
    const lost = new UnavailableError("CONNECTION_LOST", "the client closed the connection");
    for (const channel of this.#channels) channel.fail(lost);
    this.#onDrain();
    this.#closed.resolve();
  }
}

/** A send that fails means that the socket is gone, which its close tells. */
function ignore(): void {}
