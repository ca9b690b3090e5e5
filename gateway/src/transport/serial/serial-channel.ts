import { encodeFrame, FrameDecoder, type FrameItem, limits } from "@motelet/profiles";
import type { Clock, Timer } from "../../foundation/clock.ts";
import type { Channel, ChannelEvents, ProvenIdentity } from "../channel.ts";
import type { Line } from "./line.ts";
import type { SerialMeters } from "./serial-meters.ts";

/**
 * Maximum bytes that wait for the line, 1.4 s at 115,200 baud; above it messages are dropped and console text is
 * refused.
 */
export const outputBufferBytes = 16 * 1024;

/** Frames and console text over one opened line (SPEC §4). */
export class SerialChannel implements Channel {
  readonly carrier = "serial";
  readonly peer: string;
  readonly peerAddress: string;
  readonly identity: ProvenIdentity;
  readonly maxMessageBytes = limits.messageBytes;
  readonly rtoMs: number;
  readonly acksBeats = true;
  /**
   * An open line reports nothing by itself: demanding a hello reconnects its device at once after a restart of the
   * gateway.
   */
  readonly demandsHello = true;
  readonly #line: Line;
  readonly #clock: Clock;
  readonly #meters: SerialMeters;
  readonly #decoder = new FrameDecoder({ maxMessageBytes: limits.messageBytes });
  #events: ChannelEvents | undefined;
  #ended: string | undefined;
  #lastByteMs = 0;
  #silence: Timer | undefined;
  #badFrames = 0;

  constructor(options: { line: Line; port: string; rtoMs: number; clock: Clock; meters: SerialMeters }) {
    this.peer = options.port;
    this.peerAddress = options.port;
    this.identity = { kind: "port", port: options.port };
    this.rtoMs = options.rtoMs;
    this.#line = options.line;
    this.#clock = options.clock;
    this.#meters = options.meters;
  }

  /**
   * Starts to read.
   * @param gone the line itself is closed and may be opened again; called once
   */
  begin(events: ChannelEvents, gone: (reason: string) => void): void {
    this.#events = events;
    this.#line.listen({
      data: (bytes) => this.#take(bytes),
      closed: (reason) => {
        this.#end(reason);
        gone(reason);
      },
    });
  }

  send(message: Uint8Array): boolean {
    if (this.#write(encodeFrame(message))) return true;
    this.#meters.dropped("message");
    return false;
  }

  writeConsole(bytes: Uint8Array): boolean {
    // A zero would open a frame (SPEC §4.4).
    const text = bytes.includes(0) ? bytes.filter((byte) => byte !== 0) : bytes;
    return text.length === 0 || this.#write(text);
  }

  close(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#line.close();
    this.#end(reason);
  }

  #write(bytes: Uint8Array): boolean {
    if (this.#ended !== undefined || this.#line.bufferedBytes + bytes.length > outputBufferBytes)
      return false;
    this.#line.write(bytes);
    return true;
  }

  #take(bytes: Uint8Array): void {
    this.#lastByteMs = this.#clock.monotonicMs();
    this.#deliver(this.#decoder.push(bytes, this.#lastByteMs));
    if (!this.#decoder.pending) {
      this.#silence?.cancel();
      this.#silence = undefined;
    } else if (!this.#silence) {
      this.#watchSilence(limits.segmentSilenceMs);
    }
  }

  /** One timer for a segment, not one for each read: when it comes too early it waits for the rest. */
  #watchSilence(delayMs: number): void {
    this.#silence = this.#clock.after(delayMs, () => {
      this.#silence = undefined;
      const nowMs = this.#clock.monotonicMs();
      this.#deliver(this.#decoder.expire(nowMs));
      const restMs = limits.segmentSilenceMs - (nowMs - this.#lastByteMs);
      if (this.#decoder.pending && this.#ended === undefined) this.#watchSilence(Math.max(1, restMs));
    });
  }

  #deliver(items: readonly FrameItem[]): void {
    const bad = this.#decoder.badFrames - this.#badFrames;
    if (bad > 0) this.#meters.badFrames(this.peer, bad);
    this.#badFrames += bad;
    for (const item of items) {
      // Any of these calls may close the channel.
      if (this.#ended !== undefined) return;
      if (item.kind === "message") {
        this.#meters.received();
        this.#events?.message(item.bytes);
      } else {
        this.#events?.console(item.bytes);
      }
    }
  }

  #end(reason: string): void {
    if (this.#ended !== undefined) return;
    this.#silence?.cancel();
    // The last words of a board that died inside a frame.
    this.#deliver(this.#decoder.expire(this.#lastByteMs + limits.segmentSilenceMs));
    this.#ended ??= reason;
    // Not in the caller's turn: the caller may be the session that gets the event.
    queueMicrotask(() => this.#events?.closed(reason));
  }
}
