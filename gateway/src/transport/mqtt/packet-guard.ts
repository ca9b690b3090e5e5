import { Duplex } from "node:stream";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { type PacketFault, PacketScanner } from "./packet-scanner.ts";

export type GuardRefusal = PacketFault | "connect-deadline";

/** Events of a guard for its owner; calls must not throw. */
export interface GuardEvents {
  /** The peer exceeded a limit; the guard is about to be destroyed. */
  refused(reason: GuardRefusal): void;
  /** The peer sends too fast; its socket is paused for a while. */
  throttled(): void;
}

/**
 * A filter between a socket and the broker, which has no packet size limit of its own (48 MB were seen buffered from a
 * socket without a CONNECT). Passes whole chunks, so it buffers no more than the streams do. Closes if a declared
 * length exceeds the limit, before it reads the body, and if no CONNECT is admitted in time. Pauses the socket if
 * packets arrive too fast. Closing either side closes the other.
 */
export class PacketGuard extends Duplex {
  readonly #socket: Duplex;
  readonly #limits: MqttLimits;
  readonly #clock: Clock;
  readonly #events: GuardEvents;
  readonly #scanner: PacketScanner;
  readonly #bucket: TokenBucket;
  readonly #connectTimer: Timer;
  #rest: Timer | undefined;
  #closeTimer: Timer | undefined;
  #corked = false;
  #heardMs: number;

  /** Takes over the socket. `socket` may be a net or a TLS socket. */
  constructor(socket: Duplex, options: { limits: MqttLimits; clock: Clock; events: GuardEvents }) {
    super({ allowHalfOpen: false });
    const { limits, clock } = options;
    this.#socket = socket;
    this.#limits = limits;
    this.#clock = clock;
    this.#events = options.events;
    this.#heardMs = clock.monotonicMs();
    this.#scanner = new PacketScanner(limits.packetBytes);
    this.#bucket = new TokenBucket(
      { burst: limits.packetBurst, refillMs: limits.packetRefillMs },
      clock.monotonicMs(),
    );
    this.#connectTimer = clock.after(limits.connectDeadlineMs, () => this.#refuse("connect-deadline"));
    // The broker takes away the error listeners of a stream it has closed; a late error must not end the process.
    super.on("error", ignore);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
  }

  /** When the peer last sent something, monotonic milliseconds. */
  get heardMs(): number {
    return this.#heardMs;
  }

  /** The client is authenticated: its CONNECT arrived in time. */
  admit(): void {
    this.#connectTimer.cancel();
  }

  /** The last packet does not count against the peer's rate. */
  refundRateToken(): void {
    this.#bucket.giveBack();
  }

  /** Writes a packet; packets of one turn of the event loop are sent with one system call. */
  say(packet: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true;
      this.cork();
      // The broker hands over what one read brought in many ticks: answers wait until the turn is over.
      setImmediate(() => {
        this.#corked = false;
        this.uncork();
      });
    }
    this.write(packet);
  }

  /** Ends the connection when queued bytes have been sent, or after `closeTimeoutMs`. */
  finish(): void {
    if (this.#closeTimer || this.destroyed) return;
    this.#closeTimer = this.#clock.after(this.#limits.closeTimeoutMs, () => this.destroy());
    this.end();
  }

  override _read(): void {
    if (!this.#rest) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connectTimer.cancel();
    this.#closeTimer?.cancel();
    this.#rest?.cancel();
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    if (this.destroyed) return;
    const packets = this.#scanner.push(chunk);
    if (typeof packets === "string") {
      this.#refuse(packets);
      return;
    }
    const hungry = this.push(chunk);
    const restMs = this.#payFor(packets);
    if (restMs > 0) this.#restFor(restMs);
    else if (!hungry) this.#socket.pause();
  }

  /** @returns how long to rest for the packets that were not free, so that the average rate holds */
  #payFor(packets: number): number {
    const nowMs = this.#clock.monotonicMs();
    this.#heardMs = nowMs;
    let unpaid = packets;
    while (unpaid > 0 && this.#bucket.take(nowMs) === 0) unpaid--;
    return unpaid * this.#limits.packetRefillMs;
  }

  #restFor(restMs: number): void {
    this.#events.throttled();
    this.#socket.pause();
    this.#rest?.cancel();
    this.#rest = this.#clock.after(restMs, () => {
      this.#rest = undefined;
      this.#socket.resume();
    });
  }

  #refuse(reason: GuardRefusal): void {
    if (this.destroyed) return;
    this.#events.refused(reason);
    this.destroy();
  }
}

function ignore(): void {}
