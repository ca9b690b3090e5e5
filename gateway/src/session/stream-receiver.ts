import { type DataMessage, limits, type StreamEnd, serialDistance } from "@motelet/profiles";

/** A credit, without its stream. */
export interface Credit {
  /** Modulo 2^16. */
  readonly next: number;
  readonly window: number;
}

/**
 * The receiving half of a stream (SPEC §5.7). Takes data in order into a bounded buffer; the window that it gives is
 * what the reader has left free, so a slow reader slows the device. Pure.
 */
export class StreamReceiver {
  readonly #capacity: number;
  readonly #chunks: Uint8Array[] = [];
  #buffered = 0;
  #next = 0;
  #end: StreamEnd | undefined;
  #givenWindow: number;

  constructor(capacity: number = limits.windowBytes) {
    this.#capacity = capacity;
    this.#givenWindow = Math.min(capacity, limits.initialWindowBytes);
  }

  /** How the device closed its direction, once all before it has been taken. */
  get end(): StreamEnd | undefined {
    return this.#end;
  }

  get bufferedBytes(): number {
    return this.#buffered;
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
    this.#givenWindow = Math.max(0, this.#capacity - this.#buffered);
    return { next: this.#next & 0xffff, window: this.#end ? 0 : this.#givenWindow };
  }

  /** Gives the oldest bytes to the reader, undefined where there are none. */
  read(): Uint8Array | undefined {
    const bytes = this.#chunks.shift();
    this.#buffered -= bytes?.length ?? 0;
    return bytes;
  }

  /** Whether reading has made so much room that the device has to be told. */
  get owesCredit(): boolean {
    const half = this.#capacity / 2;
    return !this.#end && this.#givenWindow < half && this.#capacity - this.#buffered >= half;
  }

  #take(data: Pick<DataMessage, "bytes" | "end">, behind: number): void {
    const fresh = data.bytes.subarray(behind);
    const taken = fresh.subarray(0, this.#capacity - this.#buffered);
    if (taken.length > 0) {
      this.#chunks.push(taken);
      this.#buffered += taken.length;
      this.#next += taken.length;
    }
    // The end takes the offset behind the last byte; one before it would be an older copy of something else.
    const reachesEnd = behind <= data.bytes.length && taken.length === fresh.length;
    if (data.end !== undefined && reachesEnd) {
      this.#end = data.end;
      this.#next += 1;
    }
  }
}
