import { type CreditMessage, type DataMessage, limits, Status } from "@motelet/profiles";
import { StreamReceiver, StreamSender } from "./stream.ts";

/** What a data message needs in addition to its bytes: heads up to 10, an end up to 4. */
const dataOverheadBytes = 14;

export interface StreamSettings {
  /** Streams that can be open at once; a command uses one, or two with stderr. */
  readonly streams: number;
  /** Transmit buffer of each stream, bytes; reserved with the first byte written. */
  readonly streamBufferBytes: number;
  readonly rxWindowBytes: number;
  readonly maxMessageBytes: number;
}

/** The owner of an open stream: a command, the console, a file, a service. It writes to the stream's sender. */
export interface StreamEndpoint {
  /** Bytes that `take` accepts now; undefined: all bytes, because they are dropped. */
  readonly room: number | undefined;
  /** The maximum of `room`, if it is less than a window; half of it is worth an update. */
  readonly maxRoom?: number;
  /** When `pump` has something to do although no input arrived, device milliseconds; absent or Infinity: never. */
  readonly wakeAtMs?: number;
  /** Accepts all of the bytes, at most `room`. They alias the message: copy them to keep them. */
  take(bytes: Uint8Array): void;
  /** The gateway ended its direction, with OK or another status. */
  end(status: number): void;
  /** Writes waiting output, as far as it fits; called whenever something may have changed. */
  pump?(nowMs: number): void;
  /** exec-control's signal. Absent: it cannot be signalled. */
  signal?(signal: number): void;
  /** exec-control's resize; `rows` absent: unchanged. */
  resize?(columns: number, rows: number | undefined): void;
  /** The stream has ended, in order or not: no more output or input. Called once. */
  closed(): void;
}

/** Streams that live and die together: all of them send, the last one also receives. */
interface Group {
  readonly endpoint: StreamEndpoint;
  over: boolean;
}

interface Slot {
  readonly stream: number;
  readonly sender: StreamSender;
  readonly receiver: StreamReceiver;
  readonly group: Group;
  /** False for a stderr stream, which has no input. */
  readonly reads: boolean;
}

/** The open streams and their owners (SPEC §5.7). Pure: time comes in, messages go out. */
export class StreamTable {
  readonly #settings: StreamSettings;
  readonly #slots: Slot[] = [];
  readonly #maxDataBytes: number;

  constructor(settings: StreamSettings) {
    this.#settings = settings;
    this.#maxDataBytes = Math.min(settings.maxMessageBytes, limits.messageBytes) - dataOverheadBytes;
  }

  get openStreams(): number {
    return this.#slots.length;
  }

  /** When a sender must be polled. */
  get deadlineMs(): number {
    return this.#slots.reduce((min, { sender }) => Math.min(min, sender.deadlineMs), never);
  }

  /** When an endpoint must be pumped, online or not. */
  get wakeAtMs(): number {
    return this.#slots.reduce((min, { group }) => Math.min(min, group.endpoint.wakeAtMs ?? never), never);
  }

  /**
   * Opens streams as one group.
   * @param streams ids in the order in which they are sent; the last one receives
   * @param make gets their senders and returns the owner
   * @returns OK; RESOURCE_EXHAUSTED: an id is in use or there are not enough slots
   */
  open(
    streams: readonly number[],
    rtoMs: number,
    make: (senders: readonly StreamSender[]) => StreamEndpoint,
  ): Status {
    const { streamBufferBytes, rxWindowBytes } = this.#settings;
    const taken = streams.some((stream) => this.#slot(stream));
    if (taken || this.#slots.length + streams.length > this.#settings.streams)
      return Status.RESOURCE_EXHAUSTED;
    const senders = streams.map(() => new StreamSender({ bufferBytes: streamBufferBytes, rtoMs }));
    const group: Group = { endpoint: make(senders), over: false };
    const windowBytes = Math.min(streamBufferBytes, rxWindowBytes, group.endpoint.maxRoom ?? rxWindowBytes);
    for (const [index, stream] of streams.entries()) {
      this.#slots.push({
        stream,
        sender: senders[index] as StreamSender,
        receiver: new StreamReceiver(windowBytes),
        group,
        reads: index === streams.length - 1,
      });
    }
    return Status.OK;
  }

  /** Processes data and returns the credit that answers it. */
  data(message: DataMessage): CreditMessage {
    const { stream, offset } = message;
    const slot = this.#slot(stream);
    if (!slot) return { kind: "credit", stream, next: offset, window: 0, status: Status.NOT_FOUND };
    const { bytes, end } = slot.receiver.receive(message, this.#room(slot));
    const { endpoint } = slot.group;
    if (slot.reads && bytes.length > 0) endpoint.take(bytes);
    if (slot.reads && end) endpoint.end(end.status);
    const { next, window } = slot.receiver.credit(this.#room(slot));
    return { kind: "credit", stream, next, window };
  }

  /** Processes a credit; one with a status cancels the owner of the stream. */
  credit(message: CreditMessage): void {
    const slot = this.#slot(message.stream);
    if (!slot) return;
    if (message.status !== undefined) {
      this.#remove(({ group }) => group === slot.group);
      return;
    }
    slot.sender.credit(message.next, message.window);
    if (slot.sender.finished) this.#remove((other) => other === slot);
  }

  /** Closes a stream without a message, if it still belongs to this sender. */
  drop(stream: number, sender: StreamSender): void {
    this.#remove((slot) => slot.stream === stream && slot.sender === sender);
  }

  /** The owner of this stream, if it can be signalled. */
  controlled(stream: number): Required<Pick<StreamEndpoint, "signal" | "resize">> | undefined {
    const slot = this.#slot(stream);
    const endpoint = slot?.reads ? slot.group.endpoint : undefined;
    if (!endpoint?.signal) return undefined;
    return {
      signal: (signal) => endpoint.signal?.(signal),
      resize: (columns, rows) => endpoint.resize?.(columns, rows),
    };
  }

  /** The session is resumed and the gateway has kept the streams: bytes in flight are repeated. */
  resume(rtoMs: number): void {
    for (const { sender } of this.#slots) sender.restart(rtoMs);
  }

  /** Ends all streams without a message. */
  clear(): void {
    this.#remove(() => true);
  }

  poll(nowMs: number): void {
    for (const { sender } of this.#slots) sender.poll(nowMs);
  }

  /** Lets the owners write. */
  pump(nowMs: number): void {
    for (const { group, reads } of this.#slots) if (reads) group.endpoint.pump?.(nowMs);
  }

  /** The next message that may be sent now; window updates are sent before data. */
  next(nowMs: number): CreditMessage | DataMessage | undefined {
    for (const slot of this.#slots) {
      const room = this.#room(slot);
      if (slot.receiver.wantsUpdate(room)) {
        return { kind: "credit", stream: slot.stream, ...slot.receiver.credit(room) };
      }
      const segment = slot.sender.next(this.#maxDataBytes, nowMs);
      if (segment) return { kind: "data", stream: slot.stream, ...segment };
    }
    return undefined;
  }

  #room(slot: Slot): number {
    const room = slot.reads ? slot.group.endpoint.room : undefined;
    return room ?? this.#settings.rxWindowBytes;
  }

  #slot(stream: number): Slot | undefined {
    return this.#slots.find((slot) => slot.stream === stream);
  }

  #remove(matches: (slot: Slot) => boolean): void {
    for (let index = this.#slots.length - 1; index >= 0; index--) {
      const slot = this.#slots[index] as Slot;
      if (!matches(slot)) continue;
      this.#slots.splice(index, 1);
      // A stderr that has ended leaves the command running.
      if (!slot.reads || slot.group.over) continue;
      slot.group.over = true;
      slot.group.endpoint.closed();
    }
  }
}

const never = Number.POSITIVE_INFINITY;
