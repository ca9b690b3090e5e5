import { type DataMessage, limits, type StreamEnd, serialDistance } from "@motelet/profiles";
import { ByteQueue } from "../foundation/byte-queue.ts";

/** A credit, without its stream. */
export interface Credit {
  /** Modulo 2^16. */
  readonly next: number;
  readonly window: number;
}

/**
 * Bytes that may wait for the reader of a busy stream: several windows, because the device must not wait while a fast
 * reader passes on the previous ones.
 */
export const receiveBufferBytes = 4 * limits.windowBytes;

/**
 * The receiving half of a stream (SPEC §5.7). Accepts data in order into a bounded buffer. Its window is the free space
 * in the buffer, so a slow reader slows the device down. Pure.
 */
export class StreamReceiver {
  readonly #maxCapacity: number;
  readonly #longestWindow: number;
  readonly #buffer = new ByteQueue();
  #next = 0;
  #end: StreamEnd | undefined;
  #givenWindow: number;

  /** @param capacity bytes that may wait for the reader */
  constructor(capacity: number = receiveBufferBytes) {
    this.#maxCapacity = capacity;
    this.#longestWindow = Math.min(capacity, limits.windowBytes);
    this.#givenWindow = Math.min(capacity, limits.initialWindowBytes);
  }

  /** The end of the device's direction, once all bytes before it have been accepted. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  get bufferedBytes(): number {
    return this.#buffer.length;
  }

  /** Bytes accepted since the beginning. */
  get takenBytes(): number {
    return this.#next;
  }

  /**
   * Accepts the new part of a data message, as far as there is space.
   * @returns the credit that answers it
   */
  received(data: Pick<DataMessage, "offset" | "bytes" | "end">): Credit {
    const behind = -serialDistance(data.offset, this.#next & 0xffff);
    if (behind >= 0 && !this.#end) this.#take(data, behind);
    return this.credit();
  }

  /** The newest credit. */
  credit(): Credit {
    this.#givenWindow = this.#window;
    return { next: this.#next & 0xffff, window: this.#end ? 0 : this.#givenWindow };
  }

  /** Returns all bytes received so far, as one piece, because the cost is per piece. Undefined if there are none. */
  read(): Uint8Array | undefined {
    return this.#buffer.takeAll();
  }

  /** Whether the reader has freed enough space for a new credit. */
  get owesCredit(): boolean {
    const half = this.#longestWindow / 2;
    return !this.#end && this.#givenWindow < half && this.#window >= half;
  }

  /** One window at first: most streams never need more. */
  get #capacity(): number {
    return Math.min(this.#maxCapacity, Math.max(this.#longestWindow, this.#next - this.#buffer.length));
  }

  get #window(): number {
    return Math.min(this.#longestWindow, Math.max(0, this.#capacity - this.#buffer.length));
  }

  #take(data: Pick<DataMessage, "bytes" | "end">, behind: number): void {
    const fresh = data.bytes.subarray(behind);
    const taken = fresh.subarray(0, this.#capacity - this.#buffer.length);
    this.#buffer.push(taken);
    this.#next += taken.length;
    // The end takes the offset behind the last byte; one before it would be an older copy of something else.
    const reachesEnd = behind <= data.bytes.length && taken.length === fresh.length;
    if (data.end !== undefined && reachesEnd) {
      this.#end = data.end;
      this.#next += 1;
    }
  }
}
