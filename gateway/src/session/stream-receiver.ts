import { type DataMessage, limits, type StreamEnd, serialDistance } from "@motelet/profiles";
import { ByteQueue } from "../foundation/byte-queue.ts";

/** A credit, without its stream. */
export interface Credit {
  /** Modulo 2^16. */
  readonly next: number;
  readonly window: number;
}

/**
 * Bytes that wait for the reader of a stream that has brought as many: some windows, because the device must not stand still
 * while a reader that is as fast hands on what it has.
 */
export const receiveBufferBytes = 4 * limits.windowBytes;

/**
 * The receiving half of a stream (SPEC §5.7). Takes data in order into a bounded buffer; the window that it gives is
 * what the reader has left free, so a slow reader slows the device. Pure.
 */
export class StreamReceiver {
  readonly #maxCapacity: number;
  readonly #longestWindow: number;
  readonly #buffer = new ByteQueue();
  #next = 0;
  #end: StreamEnd | undefined;
  #givenWindow: number;

  /** @param capacity bytes that wait for the reader */
  constructor(capacity: number = receiveBufferBytes) {
    this.#maxCapacity = capacity;
    this.#longestWindow = Math.min(capacity, limits.windowBytes);
    this.#givenWindow = Math.min(capacity, limits.initialWindowBytes);
  }

  /** How the device closed its direction, once all before it has been taken. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  get bufferedBytes(): number {
    return this.#buffer.length;
  }

  /** Bytes taken since the beginning. */
  get takenBytes(): number {
    return this.#next;
  }

  /** Takes the new part of a data message, as much as there is room for. @returns the credit that answers it */
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

  /** Gives all that has come to the reader, as one: the cost is per piece, not per byte. Undefined if nothing has. */
  read(): Uint8Array | undefined {
    return this.#buffer.takeAll();
  }

  /** Whether reading has freed enough space for a new credit. */
  get owesCredit(): boolean {
    const half = this.#longestWindow / 2;
    return !this.#end && this.#givenWindow < half && this.#window >= half;
  }

  /** One window at first: most streams never bring more. */
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
