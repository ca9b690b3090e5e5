import { type DataMessage, Status, type StreamEnd } from "@motelet/profiles";
import { RequestError, UnavailableError } from "../foundation/errors.ts";
import type { Credit, StreamReceiver } from "./stream-receiver.ts";
import type { Segment, StreamSender } from "./stream-sender.ts";

/** How a stream ended: by the device's `end`, or by a status from either side. */
export interface StreamOutcome extends StreamEnd {
  /** A sentence for people, if it did not end by itself. */
  readonly message?: string;
}

/** Maximum bytes of a caller that one stream holds. Callers that await `write` stay far below. */
export const maxHeldBytes = 262_144;

/** The calls of a stream to its table. */
export interface StreamHost {
  /** The stream may have something to send. */
  wake(): void;
  /** The reader freed space. */
  sendCredit(stream: Stream): void;
  /** The stream has ended; `cancelled` if the device must be informed. */
  over(stream: Stream, cancelled: boolean): void;
}

/** One duplex stream of a session: reading, writing, and one outcome (SPEC §5.7). */
export class Stream {
  readonly id: number;
  readonly #sender: StreamSender;
  readonly #receiver: StreamReceiver;
  readonly #host: StreamHost;
  readonly #ended = Promise.withResolvers<StreamOutcome>();
  #outcome: StreamOutcome | undefined;
  #writers: {
    readonly mark: number;
    readonly resolve: () => void;
    readonly reject: (error: Error) => void;
  }[] = [];
  #wakeReader: (() => void) | undefined;

  constructor(id: number, halves: { sender: StreamSender; receiver: StreamReceiver }, host: StreamHost) {
    this.id = id;
    this.#sender = halves.sender;
    this.#receiver = halves.receiver;
    this.#host = host;
  }

  get ended(): Promise<StreamOutcome> {
    return this.#ended.promise;
  }

  get isOver(): boolean {
    return this.#outcome !== undefined;
  }

  /** Bytes that have arrived in order since the beginning, both ways. */
  get movedBytes(): number {
    return this.#sender.takenBytes + this.#receiver.takenBytes;
  }

  /**
   * Sends bytes.
   * @returns when all of them are within the device's window
   * @throws UnavailableError STREAM_ENDED; RequestError STREAM_INPUT_ENDED, STREAM_OVERFLOW
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.#expectOpen();
    if (this.#sender.ending)
      throw new RequestError("STREAM_INPUT_ENDED", "cannot write after the end of input");
    if (this.#sender.heldBytes + bytes.length > maxHeldBytes)
      throw new RequestError(
        "STREAM_OVERFLOW",
        `stream holds ${this.#sender.heldBytes} bytes: limit ${maxHeldBytes}`,
      );
    const mark = this.#sender.write(bytes);
    this.#host.wake();
    if (this.#sender.sentThrough >= mark) return;
    await new Promise<void>((resolve, reject) => this.#writers.push({ mark, resolve, reject }));
  }

  /** Closes the gateway's direction after the written bytes. */
  async endInput(): Promise<void> {
    if (this.isOver || this.#sender.ending) return;
    this.#sender.end();
    this.#host.wake();
  }

  /** The device's bytes; ends with the stream, never throws. For one reader. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#receiver.read();
      if (bytes) {
        if (!this.isOver && this.#receiver.owesCredit) this.#host.sendCredit(this);
        yield bytes;
      } else if (this.isOver) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  /** Ends the stream and the command behind it. */
  cancel(message = "cancelled"): void {
    this.#finish({ status: Status.CANCELLED, message }, true);
  }

  /** Ends the stream without a message to the device, which no longer has it. */
  fail(outcome: StreamOutcome): void {
    this.#finish(outcome, false);
  }

  /** @returns the credit that answers it */
  received(data: DataMessage): Credit {
    const credit = this.#receiver.received(data);
    const { end } = this.#receiver;
    if (end) this.#finish(end, false);
    // At the end of the turn of the event loop: the reader finds all that one read of the line has brought.
    if (this.#wakeReader) setImmediate(this.#wakeReader);
    this.#wakeReader = undefined;
    return credit;
  }

  credited(credit: Credit & { readonly status?: number | undefined }, nowMs: number): void {
    if (credit.status !== undefined) {
      this.#finish({ status: credit.status, message: "the device closed the stream" }, false);
      return;
    }
    this.#sender.credited(credit, nowMs);
    this.#releaseWriters();
  }

  poll(nowMs: number): Segment[] {
    const segments = this.#sender.poll(nowMs);
    if (segments.length > 0) this.#releaseWriters();
    return segments;
  }

  get dueMs(): number | undefined {
    return this.#sender.dueMs;
  }

  credit(): Credit {
    return this.#receiver.credit();
  }

  /** Sends the bytes in flight again: the channel has changed. */
  restart(): void {
    this.#sender.restart();
  }

  #finish(outcome: StreamOutcome, cancelled: boolean): void {
    if (this.#outcome) return;
    this.#outcome = outcome;
    for (const writer of this.#writers) writer.reject(streamEnded());
    this.#writers = [];
    this.#host.over(this, cancelled);
    this.#ended.resolve(outcome);
    this.#wake();
  }

  #releaseWriters(): void {
    const through = this.#sender.sentThrough;
    while (this.#writers[0] && this.#writers[0].mark <= through) this.#writers.shift()?.resolve();
  }

  #wake(): void {
    this.#wakeReader?.();
    this.#wakeReader = undefined;
  }

  #expectOpen(): void {
    if (this.isOver) throw streamEnded();
  }
}

function streamEnded(): UnavailableError {
  return new UnavailableError("STREAM_ENDED", "the stream has ended");
}
