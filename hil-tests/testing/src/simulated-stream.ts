import { type Message, type StreamEnd, serialDistance } from "@motelet/profiles";

type DataMessage = Message & { kind: "data" };
type CreditMessage = Message & { kind: "credit" };

/** The most that is offered to the device ahead of its credit. */
const windowBytes = 16_384;
/** What a data message needs besides its bytes, rounded up. */
const envelopeBytes = 56;
/** Smallest segment that losses lead to, and what each acknowledged one adds again. */
const minSegmentBytes = 96;
const segmentGrowthBytes = 16;

/**
 * The simulated gateway's end of one stream (SPEC §5.7): collects what arrives, sends input as the window allows, and goes
 * back to the last credit when `poll` finds no progress. What it does not do: limit its input, which is kept until the end.
 */
export class SimulatedStream {
  readonly stream: number;
  /** How it ended, once it has. */
  end: StreamEnd | undefined;
  /** Resolves when it has ended. */
  readonly whenEnded: Promise<StreamEnd>;
  /** Bytes that the reader still takes; 0: a reader that has stopped. */
  room = Number.POSITIVE_INFINITY;
  readonly #send: (message: Message) => void;
  readonly #rtoMs: number;
  readonly #maxSegmentBytes: number;
  readonly #setEnded: (end: StreamEnd) => void;
  readonly #output: Buffer[] = [];
  #segmentBytes: number;
  #input: Buffer = Buffer.alloc(0);
  #inputEnd: number | undefined;
  // Positions count from the stream's beginning; only what travels is modulo 2^16.
  #acked = 0;
  #sent = 0;
  #limit: number;
  #next = 0;
  #progressMs = performance.now();

  /** @param options.windowBytes what the device takes before its first credit */
  constructor(options: {
    readonly stream: number;
    readonly windowBytes: number;
    readonly maxMessageBytes: number;
    readonly rtoMs: number;
    readonly send: (message: Message) => void;
  }) {
    this.stream = options.stream;
    this.#limit = options.windowBytes;
    this.#maxSegmentBytes = options.maxMessageBytes - envelopeBytes;
    this.#segmentBytes = this.#maxSegmentBytes;
    this.#rtoMs = options.rtoMs;
    this.#send = options.send;
    const { promise, resolve } = Promise.withResolvers<StreamEnd>();
    this.whenEnded = promise;
    this.#setEnded = resolve;
  }

  get ended(): boolean {
    return this.end !== undefined;
  }

  /** Bytes of the input that the device has taken. */
  get ackedBytes(): number {
    return this.#acked;
  }

  /** All that has arrived. */
  get bytes(): Buffer {
    return Buffer.concat(this.#output);
  }

  get text(): string {
    return this.bytes.toString();
  }

  write(bytes: Uint8Array | string): void {
    this.#input = Buffer.concat([this.#input, Buffer.from(bytes as string)]);
    this.#flush();
  }

  endInput(status = 0): void {
    this.#inputEnd = status;
    this.#flush();
  }

  /** Ends it at once, in both directions. */
  cancel(status = 1): void {
    this.#send({ kind: "credit", stream: this.stream, next: this.#next & 0xffff, window: 0, status });
    this.#finish({ status });
  }

  /** A reader that had stopped goes on. */
  read(): void {
    this.room = Number.POSITIVE_INFINITY;
    this.#credit();
  }

  /** Sends again what was lost, or a probe when the device is blocked; due each rto. */
  poll(nowMs: number): void {
    const waits = this.#sent > this.#acked || this.#sent < this.#total;
    if (this.end || !waits || nowMs - this.#progressMs < this.#rtoMs) return;
    this.#segmentBytes = Math.max(Math.min(minSegmentBytes, this.#maxSegmentBytes), this.#segmentBytes >> 1);
    this.#sent = this.#acked;
    this.#progressMs = nowMs;
    this.#flush(true);
  }

  data(data: DataMessage): void {
    const known = serialDistance(this.#next & 0xffff, data.offset);
    if (known >= 0 && known <= data.bytes.length) {
      const bytes = data.bytes.subarray(known, known + this.room);
      if (bytes.length > 0) this.#output.push(Buffer.from(bytes));
      this.#next += bytes.length;
      this.room -= bytes.length;
      if (data.end && known + bytes.length === data.bytes.length) {
        this.#next++;
        this.#finish(data.end);
      }
    }
    this.#credit();
  }

  credit(credit: CreditMessage): void {
    if (credit.status !== undefined) {
      if (!this.end) this.#finish({ status: credit.status });
      return;
    }
    const advanced = (credit.next - (this.#acked & 0xffff)) & 0xffff;
    if (advanced > this.#total - this.#acked) return;
    this.#acked += advanced;
    this.#sent = Math.max(this.#sent, this.#acked);
    if (this.#acked + credit.window > this.#limit || advanced > 0) this.#progressMs = performance.now();
    if (advanced > 0)
      this.#segmentBytes = Math.min(this.#maxSegmentBytes, this.#segmentBytes + segmentGrowthBytes);
    this.#limit = this.#acked + credit.window;
    this.#flush();
  }

  /** Offsets that the input takes, its end among them. */
  get #total(): number {
    return this.#input.length + (this.#inputEnd === undefined ? 0 : 1);
  }

  #finish(end: StreamEnd): void {
    this.end = end;
    this.#setEnded(end);
  }

  #credit(): void {
    const window = Math.min(this.room, windowBytes);
    this.#send({ kind: "credit", stream: this.stream, next: this.#next & 0xffff, window });
  }

  #flush(probe = false): void {
    let isDue = probe;
    while (!this.end && this.#sent < this.#total) {
      const left = this.#input.length - this.#sent;
      const count = Math.max(0, Math.min(this.#segmentBytes, left, this.#limit - this.#sent));
      const isLast = count === left && this.#inputEnd !== undefined;
      if (count === 0 && !isLast && !isDue) return;
      isDue = false;
      this.#send({
        kind: "data",
        stream: this.stream,
        offset: this.#sent & 0xffff,
        bytes: this.#input.subarray(this.#sent, this.#sent + count),
        ...(isLast ? { end: { status: this.#inputEnd as number } } : {}),
      });
      if (count === 0 && !isLast) return;
      this.#sent += count + (isLast ? 1 : 0);
    }
  }
}
