import { type Message, type StreamEnd, serialDistance } from "@motelet/profiles";

type DataMessage = Message & { kind: "data" };
type CreditMessage = Message & { kind: "credit" };

const chunkBytes = 200;

/** One stream as the gateway of the tests sees it: what came, and what is still to be sent (SPEC §5.7). */
export class Conversation {
  readonly stream: number;
  readonly output: Buffer[] = [];
  /** How it ended, once it has. */
  end: StreamEnd | undefined;
  /** A reader that stops: nothing is taken any more, and the window is 0. */
  paused = false;
  readonly #send: (message: Message) => void;
  readonly #rtoMs: number;
  #input: Buffer = Buffer.alloc(0);
  #inputEnd: number | undefined;
  #acked = 0;
  #sent = 0;
  #limit: number;
  #next = 0;
  #progressAt = performance.now();

  constructor(options: {
    readonly stream: number;
    readonly windowBytes: number;
    readonly rtoMs: number;
    readonly send: (message: Message) => void;
  }) {
    this.stream = options.stream;
    this.#limit = options.windowBytes;
    this.#rtoMs = options.rtoMs;
    this.#send = options.send;
  }

  /** Bytes of the input that the device has taken. */
  get sentBytes(): number {
    return this.#acked;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.output);
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
    this.end = { status };
  }

  resume(): void {
    this.paused = false;
    this.#credit();
  }

  tick(): void {
    const waits = this.#sent > this.#acked || this.#sent < this.#total;
    if (this.end || !waits || performance.now() - this.#progressAt < this.#rtoMs) return;
    // Lost, or blocked: from the last credit on, or an empty probe.
    this.#sent = this.#acked;
    this.#progressAt = performance.now();
    this.#flush(true);
  }

  data(data: DataMessage): void {
    const known = serialDistance(this.#next & 0xffff, data.offset);
    if (!this.paused && known >= 0 && known <= data.bytes.length) {
      this.output.push(Buffer.from(data.bytes.subarray(known)));
      this.#next += data.bytes.length - known;
      if (data.end) {
        this.#next++;
        this.end = data.end;
      }
    }
    this.#credit();
  }

  credit(credit: CreditMessage): void {
    if (credit.status !== undefined) {
      this.end ??= { status: credit.status };
      return;
    }
    const advanced = (credit.next - (this.#acked & 0xffff)) & 0xffff;
    if (advanced > this.#total - this.#acked) return;
    this.#acked += advanced;
    this.#sent = Math.max(this.#sent, this.#acked);
    if (this.#acked + credit.window > this.#limit || advanced > 0) this.#progressAt = performance.now();
    this.#limit = this.#acked + credit.window;
    this.#flush();
  }

  /** Offsets that the input takes, its end among them. */
  get #total(): number {
    return this.#input.length + (this.#inputEnd === undefined ? 0 : 1);
  }

  #credit(): void {
    const window = this.paused ? 0 : 4096;
    this.#send({ kind: "credit", stream: this.stream, next: this.#next & 0xffff, window });
  }

  #flush(probe = false): void {
    let isDue = probe;
    while (!this.end && this.#sent < this.#total) {
      const left = this.#input.length - this.#sent;
      const count = Math.max(0, Math.min(chunkBytes, left, this.#limit - this.#sent));
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
