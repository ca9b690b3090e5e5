import { type CreditMessage, type DataMessage, limits, type Message, Status } from "@motelet/profiles";
import type { SessionMeters } from "./session-meters.ts";
import { Stream, type StreamOutcome } from "./stream.ts";
import { type Credit, StreamReceiver } from "./stream-receiver.ts";
import { StreamSender } from "./stream-sender.ts";
import type { StreamUse } from "./stream-use.ts";

/** The limits of a new stream, from the device and its channel. */
export interface StreamTerms {
  readonly rtoMs: number;
  /** The smaller of the message limits of both sides. */
  readonly maxMessageBytes: number;
  /** Bytes that the device accepts before its first credit. */
  readonly windowBytes: number;
}

export interface StreamTableHost {
  readonly meters: SessionMeters;
  send(message: Message): void;
  /** `poll` may have something to do. */
  wake(): void;
  nowMs(): number;
}

/** An ended stream whose id is not given again yet: late repetitions still get their answer. */
interface Lingering {
  readonly credit: Credit & { readonly status?: number };
  /** How often the cancellation will still be repeated: there is no answer to it. */
  repeatsLeft: number;
  waitMs: number;
  dueMs: number;
}

/** A message that moves a stream by less is one that anybody could send indefinitely: segments are longer, ends are rare. */
const movingBytes = 128;
const cancelRepeats = 2;
const lingerRtos = 4;

/** The streams of one session, 1–23 by id. */
export class StreamTable {
  readonly #host: StreamTableHost;
  readonly #streams = new Map<number, Stream>();
  readonly #uses = new Map<number, StreamUse>();
  readonly #lingering = new Map<number, Lingering>();
  #lastId = 0;
  #rtoMs = 0;

  constructor(host: StreamTableHost) {
    this.#host = host;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** The uses of the open streams, oldest first. */
  get uses(): readonly StreamUse[] {
    return [...this.#uses.values()];
  }

  /**
   * Opens a stream with the id that has been free for the longest time.
   * @returns undefined if all are in use
   */
  open(terms: StreamTerms, use: StreamUse): Stream | undefined {
    this.#rtoMs = terms.rtoMs;
    const id = this.#freeId();
    if (id === undefined) {
      this.#host.meters.streamsRefused.inc();
      return undefined;
    }
    this.#lingering.delete(id);
    this.#lastId = id;
    const { windowBytes: window, maxMessageBytes, rtoMs } = terms;
    const halves = {
      sender: new StreamSender({ window, maxMessageBytes, rtoMs }),
      receiver: new StreamReceiver(),
    };
    const stream = new Stream(id, halves, {
      wake: () => this.#host.wake(),
      sendCredit: (owing) => this.#sendCredit(owing.id, owing.credit()),
      over: (ended, cancelled) => this.#retire(ended, cancelled),
    });
    this.#streams.set(id, stream);
    this.#uses.set(id, use);
    return stream;
  }

  /** @returns whether the message made progress on a stream */
  data(message: DataMessage): boolean {
    const stream = this.#streams.get(message.stream);
    const movedBefore = stream?.movedBytes ?? 0;
    const credit = stream?.received(message) ?? this.#lingering.get(message.stream)?.credit;
    if (!credit) this.#host.meters.strayData.inc();
    this.#sendCredit(message.stream, credit ?? { next: message.offset, window: 0, status: Status.NOT_FOUND });
    return stream !== undefined && stream.movedBytes - movedBefore >= movingBytes;
  }

  /** @returns whether the message made progress on a stream */
  credit(message: CreditMessage): boolean {
    const stream = this.#streams.get(message.stream);
    if (!stream) return false;
    const movedBefore = stream.movedBytes;
    stream.credited(message, this.#host.nowMs());
    return stream.movedBytes - movedBefore >= movingBytes;
  }

  /** Sends the messages that are due. */
  poll(nowMs: number): void {
    for (const [id, stream] of this.#streams) {
      for (const { offset, bytes, end } of stream.poll(nowMs)) {
        const ended = end ? { end: { status: Status.OK } } : {};
        this.#host.send({ kind: "data", stream: id, offset, bytes, ...ended });
      }
    }
    for (const [id, lingering] of this.#lingering) {
      if (lingering.dueMs > nowMs) continue;
      if (lingering.repeatsLeft === 0) {
        this.#lingering.delete(id);
        continue;
      }
      this.#sendCredit(id, lingering.credit);
      lingering.repeatsLeft -= 1;
      lingering.waitMs *= 2;
      lingering.dueMs = nowMs + lingering.waitMs;
    }
  }

  get dueMs(): number | undefined {
    // Asked for after every message: without lists.
    let dueMs = Number.POSITIVE_INFINITY;
    for (const stream of this.#streams.values()) dueMs = Math.min(dueMs, stream.dueMs ?? dueMs);
    for (const lingering of this.#lingering.values()) dueMs = Math.min(dueMs, lingering.dueMs);
    return dueMs === Number.POSITIVE_INFINITY ? undefined : dueMs;
  }

  /** Sends the bytes in flight again: the session has another channel, or was resumed with its streams. */
  restart(): void {
    for (const stream of this.#streams.values()) stream.restart();
  }

  /** Ends all streams, because the device no longer has them. */
  failAll(outcome: StreamOutcome): void {
    for (const stream of [...this.#streams.values()]) stream.fail(outcome);
    this.#lingering.clear();
  }

  #freeId(): number | undefined {
    const ids = Array.from(
      { length: limits.streamId },
      (_, step) => ((this.#lastId + step) % limits.streamId) + 1,
    );
    return (
      ids.find((id) => !this.#streams.has(id) && !this.#lingering.has(id)) ??
      ids.find((id) => !this.#streams.has(id))
    );
  }

  #retire(stream: Stream, cancelled: boolean): void {
    this.#streams.delete(stream.id);
    this.#uses.delete(stream.id);
    const credit = cancelled ? { ...stream.credit(), window: 0, status: Status.CANCELLED } : stream.credit();
    const waitMs = cancelled ? this.#rtoMs : lingerRtos * this.#rtoMs;
    const repeatsLeft = cancelled ? cancelRepeats : 0;
    this.#lingering.set(stream.id, { credit, repeatsLeft, waitMs, dueMs: this.#host.nowMs() + waitMs });
    if (cancelled) this.#sendCredit(stream.id, credit);
    this.#host.wake();
  }

  #sendCredit(stream: number, credit: Credit & { readonly status?: number }): void {
    const { next, window, status } = credit;
    this.#host.send({ kind: "credit", stream, next, window, ...(status === undefined ? {} : { status }) });
  }
}
