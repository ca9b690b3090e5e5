import { serialDistance } from "@motelet/profiles";
import { ByteQueue } from "../foundation/byte-queue.ts";
import { RoundTrip } from "./round-trip.ts";

/** One data message, without its stream. */
export interface Segment {
  /** Modulo 2^16. */
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly end: boolean;
}

/** What a data message needs besides its bytes (SPEC §3.2), `end` included. */
const dataOverheadBytes = 11;
/** Lost segments make the next ones shorter, down to this. */
const minSegmentBytes = 128;

/**
 * The sending half of a stream (SPEC §5.7): go-back-N over a bounded window. Pure: time is an argument.
 *
 *     base          sent        limit            tail
 *   ───┴─── in flight ─┴─ may go ──┴─── waits ──────┘ (end)        offsets count on beyond 2^16, the wire has 16 bits
 *
 * Three things make it go back to `base`: a wait in vain, the second repeated credit in a row (once for each base), and
 * space again after there was none. After a wait in vain it sends one segment until something advances.
 */
export class StreamSender {
  readonly #trip: RoundTrip;
  readonly #longestSegment: number;
  #segmentBytes: number;
  #cleanSegments = 0;
  /** Bytes from `base` on. */
  readonly #held = new ByteQueue();
  #base = 0;
  #sent = 0;
  #limit: number;
  #tail = 0;
  #ending = false;
  /** Beyond every byte (and the end) that was ever sent. */
  #highest = 0;
  #waitingSinceMs: number | undefined;
  #repeats = 0;
  #wentBackAt = -1;
  #recovering = false;
  #timed: { readonly through: number; readonly atMs: number } | undefined;

  /**
   * @param options.window bytes that may be sent before the first credit
   * @param options.maxMessageBytes the smaller of the peers' limits
   */
  constructor(options: { window: number; maxMessageBytes: number; rtoMs: number }) {
    this.#limit = options.window;
    this.#trip = new RoundTrip(options.rtoMs);
    this.#longestSegment = Math.max(1, options.maxMessageBytes - dataOverheadBytes);
    this.#segmentBytes = this.#longestSegment;
  }

  /** @returns the offset after these bytes, to be compared with `sentThrough` */
  write(bytes: Uint8Array): number {
    this.#held.push(bytes);
    this.#tail += bytes.length;
    return this.#tail;
  }

  /** No more bytes will be written. */
  end(): void {
    this.#ending = true;
  }

  get ending(): boolean {
    return this.#ending;
  }

  /** Everything before has been sent at least once. */
  get sentThrough(): number {
    return Math.min(this.#highest, this.#tail);
  }

  /** Bytes held: in flight or waiting. */
  get heldBytes(): number {
    return this.#held.length;
  }

  /** Bytes that the device has accepted since the beginning. */
  get takenBytes(): number {
    return this.#base;
  }

  /** The device has accepted everything, including the end. */
  get finished(): boolean {
    return this.#ending && this.#base === this.#tail + 1;
  }

  /** Processes a credit. Ignores one that is older than the last, or that names bytes which were never sent. */
  credited(credit: { readonly next: number; readonly window: number }, nowMs: number): void {
    const next = this.#base + serialDistance(credit.next, this.#base & 0xffff);
    if (next < this.#base || next > this.#highest) return;
    const advances = next > this.#base;
    if (advances) this.#advance(next, nowMs);
    else if (next + credit.window <= this.#limit) this.#repeated(nowMs);
    const wasFull = this.#limit <= this.#base;
    // At the same `next` a smaller window is an older one that came late: receivers do not take back what they gave.
    this.#limit = Math.max(next + credit.window, advances ? 0 : this.#limit);
    if (wasFull && this.#limit > this.#base) {
      // What was sent into a full receiver was dropped.
      this.#sent = this.#base;
      this.#trip.progressed();
    }
  }

  /** @returns the segments to send now */
  poll(nowMs: number): Segment[] {
    if (this.finished) return [];
    const segments: Segment[] = [];
    if (this.#waitingSinceMs !== undefined && nowMs >= this.#waitingSinceMs + this.#trip.waitMs) {
      this.#trip.waitedInVain();
      if (this.#sent > this.#base) this.#lost();
      this.#goBack();
      this.#recovering = true;
      this.#waitingSinceMs = nowMs;
      if (this.#limit <= this.#base && !this.#endIsNext) {
        return [{ offset: this.#base & 0xffff, bytes: new Uint8Array(0), end: false }];
      }
    }
    for (let segment = this.#next(); segment; segment = this.#next()) {
      const through = this.#sent + segment.bytes.length + (segment.end ? 1 : 0);
      if (!this.#timed && this.#sent >= this.#highest) this.#timed = { through, atMs: nowMs };
      this.#sent = through;
      this.#highest = Math.max(this.#highest, through);
      this.#waitingSinceMs ??= nowMs;
      segments.push(segment);
      if (this.#recovering) break;
    }
    if (this.#waitingSinceMs === undefined && this.#pendingOffset < this.#tail) this.#waitingSinceMs = nowMs;
    return segments;
  }

  /** When `poll` is due without a credit; undefined if nothing waits. */
  get dueMs(): number | undefined {
    if (this.finished || this.#waitingSinceMs === undefined) return undefined;
    return this.#waitingSinceMs + this.#trip.waitMs;
  }

  /** Sends the bytes in flight again at once: the channel has changed (SPEC §5.8). */
  restart(): void {
    this.#goBack();
    this.#waitingSinceMs = undefined;
    this.#trip.progressed();
  }

  get #pendingOffset(): number {
    return Math.max(this.#base, this.#sent);
  }

  /** Only the end is left, and it needs no window. */
  get #endIsNext(): boolean {
    return this.#ending && this.#base === this.#tail;
  }

  #next(): Segment | undefined {
    if (this.#recovering && this.#sent > this.#base) return undefined;
    if (this.#sent > this.#tail) return undefined;
    const left = this.#tail - this.#sent;
    const room = Math.max(0, this.#limit - this.#sent);
    const length = Math.min(left, room, this.#segmentBytes);
    const last = length === left;
    if (length === 0 && !(last && this.#ending)) return undefined;
    // A window's crumbs wait until what is in flight has arrived.
    if (!last && length < this.#segmentBytes && this.#sent > this.#base) return undefined;
    const end = last && this.#ending;
    return { offset: this.#sent & 0xffff, bytes: this.#held.copy(this.#sent - this.#base, length), end };
  }

  #advance(next: number, nowMs: number): void {
    if (this.#timed && next >= this.#timed.through) {
      this.#trip.measured(nowMs - this.#timed.atMs);
      this.#timed = undefined;
    }
    this.#held.discard(Math.min(next, this.#tail) - this.#base);
    this.#base = next;
    this.#sent = Math.max(this.#sent, next);
    this.#repeats = 0;
    this.#recovering = false;
    this.#trip.progressed();
    this.#waitingSinceMs = this.#sent > next ? nowMs : undefined;
    this.#cleanSegments += 1;
    if (this.#cleanSegments % 4 === 0)
      this.#segmentBytes = Math.min(this.#longestSegment, Math.ceil(this.#segmentBytes * 1.25));
  }

  #repeated(nowMs: number): void {
    if (this.#sent <= this.#base) return;
    this.#repeats += 1;
    if (this.#repeats < 2 || this.#wentBackAt === this.#base) return;
    this.#wentBackAt = this.#base;
    this.#lost();
    this.#goBack();
    this.#waitingSinceMs = nowMs;
  }

  #goBack(): void {
    this.#sent = this.#base;
    this.#timed = undefined;
  }

  #lost(): void {
    this.#cleanSegments = 0;
    const min = Math.min(minSegmentBytes, this.#longestSegment);
    this.#segmentBytes = Math.max(min, Math.floor(this.#segmentBytes / 2));
  }
}
