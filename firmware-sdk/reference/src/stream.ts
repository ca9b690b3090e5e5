import { limits, serialAdd, serialDistance } from "@motelet/profiles";
import { RetransmitTimer } from "./retransmit-timer.ts";

/** How a direction ended: a status, with the exit code of a command (SPEC §5.7). */
export interface StreamEnd {
  readonly status: number;
  readonly exitCode?: number;
}

/** One data message without its stream id. */
export interface Segment {
  /** Modulo 2^16. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly end?: StreamEnd;
}

/** Smallest segment that losses lead to, and what each acknowledged one adds again, bytes. */
const minSegmentBytes = 96;
const segmentGrowthBytes = 16;

/**
 * The sending side of one direction: go-back-N over bytes (SPEC §5.7). Pure: time comes in, segments go out.
 *
 *       base           sent         written
 *   ─────┼──────────────┼──────────────┼───── offset
 *  acked │  in flight   │    waiting   │ free            limit = base + window: only an end goes beyond it
 *
 * Holds every byte until it is acknowledged, so `free` is what the writer may still add.
 */
export class StreamSender {
  readonly #capacity: number;
  readonly #timer: RetransmitTimer;
  /** Ring of unacknowledged bytes, made when the first byte is written. */
  #ring: Uint8Array | undefined;
  // Positions count from the stream's beginning and do not wrap; only what travels is modulo 2^16.
  #base = 0;
  #sent = 0;
  #written = 0;
  #limit: number;
  #end: StreamEnd | undefined;
  #repeats = 0;
  #probe = false;
  /**
   * Longest segment that seems to get through. A line that flips a bit in 1 of 2,000 bytes ruins 4 of 10 messages of 1 KiB, but
   * only 1 of 15 of 128 bytes: each loss halves it, each progress lets it grow.
   */
  #segmentBytes: number = limits.messageBytes;

  constructor(options: {
    readonly bufferBytes: number;
    readonly rtoMs: number;
    readonly windowBytes?: number;
  }) {
    this.#capacity = options.bufferBytes;
    this.#timer = new RetransmitTimer(options.rtoMs);
    this.#limit = options.windowBytes ?? limits.initialWindowBytes;
  }

  /** Bytes that `write` accepts now. */
  get free(): number {
    return this.#capacity - (this.#written - this.#base);
  }

  /** Whether the peer has acknowledged everything, including the end. */
  get finished(): boolean {
    return this.#end !== undefined && this.#base > this.#written;
  }

  /** When `poll` must be called next; Infinity: not before an input arrives. */
  get deadlineMs(): number {
    return this.#timer.atMs;
  }

  /** Accepts as many of the bytes as fit and returns how many. */
  write(bytes: Uint8Array): number {
    if (this.#end) return 0;
    const count = Math.min(bytes.length, this.free);
    if (count === 0) return 0;
    const ring = (this.#ring ??= new Uint8Array(this.#capacity));
    const from = this.#written % this.#capacity;
    const first = Math.min(count, this.#capacity - from);
    ring.set(bytes.subarray(0, first), from);
    ring.set(bytes.subarray(first, count), 0);
    this.#written += count;
    return count;
  }

  /** Closes the direction after the written bytes. */
  finish(end: StreamEnd): void {
    this.#end ??= end;
  }

  /**
   * Processes the peer's credit. One outside of the sent range is stale or wrong, and ignored.
   * @param next the 16 bits as received
   */
  credit(next: number, window: number): void {
    const position = this.#base + serialDistance(next, this.#base & 0xffff);
    if (position < this.#base || position > this.#written + (this.#end ? 1 : 0)) return;
    const limit = position + window;
    if (position > this.#base) {
      this.#base = position;
      this.#sent = Math.max(this.#sent, position);
      this.#repeats = 0;
      this.#segmentBytes = Math.min(limits.messageBytes, this.#segmentBytes + segmentGrowthBytes);
      this.#timer.stop();
    } else if (limit > this.#limit) {
      // What was sent into a full receiver was dropped.
      if (this.#limit <= position) this.#sent = position;
      this.#timer.stop();
    } else if (this.#sent > this.#base && ++this.#repeats === 2) {
      this.#goBack();
      this.#timer.atMs = Number.POSITIVE_INFINITY;
    }
    this.#limit = limit;
  }

  /** Goes back to the first unacknowledged byte, e.g. after a resume. */
  restart(rtoMs: number): void {
    this.#sent = this.#base;
    this.#repeats = 0;
    this.#timer.setRto(rtoMs);
  }

  /** Goes back or probes after a time-out that is due; call it before `next`. */
  poll(nowMs: number): void {
    if (nowMs < this.#timer.atMs) return;
    this.#timer.backOff();
    this.#goBack();
    this.#probe = this.#base < this.#written && this.#limit <= this.#base;
  }

  /** The next segment of at most `maxBytes` bytes that may be sent now; it counts as sent. */
  next(maxBytes: number, nowMs: number): Segment | undefined {
    const allowed = Math.min(
      this.#written - this.#sent,
      this.#limit - this.#sent,
      maxBytes,
      this.#segmentBytes,
    );
    const count = Math.max(0, allowed);
    const endNow = this.#end !== undefined && this.#sent + count === this.#written;
    const probe = this.#probe;
    this.#probe = false;
    if (count === 0 && !endNow && !probe) {
      if (this.#base < this.#sent || this.#sent < this.#written) this.#timer.arm(nowMs);
      return undefined;
    }
    const segment = this.#segment(count, endNow ? this.#end : undefined);
    this.#sent += count + (endNow ? 1 : 0);
    this.#timer.arm(nowMs);
    return segment;
  }

  #goBack(): void {
    if (this.#sent > this.#base) this.#segmentBytes = Math.max(minSegmentBytes, this.#segmentBytes >> 1);
    this.#sent = this.#base;
  }

  #segment(count: number, end: StreamEnd | undefined): Segment {
    const bytes = this.#copy(this.#sent % this.#capacity, count);
    return end ? { offset: this.#sent & 0xffff, bytes, end } : { offset: this.#sent & 0xffff, bytes };
  }

  #copy(from: number, count: number): Uint8Array {
    const first = this.#capacity - from;
    if (!this.#ring) return new Uint8Array(0);
    if (count <= first) return this.#ring.slice(from, from + count);
    const bytes = new Uint8Array(count);
    bytes.set(this.#ring.subarray(from));
    bytes.set(this.#ring.subarray(0, count - first), first);
    return bytes;
  }
}

/** The part of one data message that a receiver accepted. */
export interface Received {
  /** New bytes, at most as many as fitted; they alias the message. */
  readonly bytes: Uint8Array;
  /** Set once, when everything before the end has been accepted. */
  readonly end?: StreamEnd;
}

/**
 * The receiving side of one direction (SPEC §5.7). It buffers nothing: the reader accepts what it can at once, and the
 * peer sends the rest again. Each data message, even a useless one, is answered by one credit.
 */
export class StreamReceiver {
  readonly #bufferBytes: number;
  #next = 0;
  #window: number;
  #ended = false;

  /** @param bufferBytes the full window; half of it is worth an update */
  constructor(bufferBytes: number) {
    this.#bufferBytes = bufferBytes;
    this.#window = bufferBytes;
  }

  /** @param room bytes that the reader can accept now */
  receive(data: Segment, room: number): Received {
    const behind = serialDistance(this.#next, data.offset);
    if (this.#ended || behind < 0 || behind > data.bytes.length) return { bytes: data.bytes.subarray(0, 0) };
    const bytes = data.bytes.subarray(behind, Math.min(data.bytes.length, behind + room));
    this.#next = serialAdd(this.#next, bytes.length);
    if (data.end === undefined || behind + bytes.length < data.bytes.length) return { bytes };
    this.#ended = true;
    this.#next = serialAdd(this.#next, 1);
    return { bytes, end: data.end };
  }

  /** The credit that answers a data message, computed from the bytes that the reader can accept now. */
  credit(room: number): { readonly next: number; readonly window: number } {
    this.#window = Math.min(room, limits.windowBytes);
    return { next: this.#next, window: this.#window };
  }

  /** Whether a small window has grown enough to be worth a credit of its own. */
  wantsUpdate(room: number): boolean {
    return !this.#ended && this.#window * 2 < this.#bufferBytes && room * 2 >= this.#bufferBytes;
  }
}
