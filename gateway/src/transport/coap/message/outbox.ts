import type { MessageContent, MessageType } from "./codec.ts";
import type { MessageIds } from "./message-ids.ts";
import { firstTimeoutMs, type TransmissionParameters } from "./parameters.ts";

/**
 * How a confirmable message ended; a non-confirmable one can only be reset. `lost`: it was never acknowledged, but the peer
 * was heard meanwhile. `timed-out`: the peer was not heard either.
 */
export type DeliveryResult = "acknowledged" | "reset" | "lost" | "timed-out";

/** A message that the gateway sends by itself: a separate response or a notification. */
export interface OutgoingMessage {
  readonly token: Uint8Array;
  readonly content: MessageContent;
  /** False: the message has to be confirmable. */
  readonly mayBeNonConfirmable: boolean;
  ended(result: DeliveryResult): void;
}

/** What the owner of the outbox does for it. */
export interface OutboxPort {
  /** Encodes the message, and sends it if the address may be sent to. @returns the bytes, for retransmissions */
  transmit(message: OutgoingMessage, type: MessageType, messageId: number): Uint8Array;
  retransmit(bytes: Uint8Array): void;
  /** A message is given up. @param sentMs when it was sent first @returns whether the peer was heard since then */
  gaveUp(sentMs: number): "lost" | "timed-out";
}

interface Confirmable {
  readonly messageId: number;
  readonly message: OutgoingMessage;
  readonly bytes: Uint8Array;
  readonly sentMs: number;
  timeoutMs: number;
  dueMs: number;
  retransmissions: number;
}

/** Non-confirmable messages that a reset can still name. */
const resettable = 16;

/**
 * The messages that the gateway sends to one peer by itself (RFC 7252 §4.2, §4.7). At most NSTART confirmable messages
 * are unacknowledged. While they are, messages that may be non-confirmable follow, until `limits.exchanges` messages are
 * out; then `limits.queued` messages wait. An acknowledgement shows that the peer receives, and opens the window again.
 * Time and randomness are arguments.
 */
export class Outbox {
  readonly #parameters: TransmissionParameters;
  readonly #limits: { readonly exchanges: number; readonly queued: number };
  readonly #ids: MessageIds;
  readonly #port: OutboxPort;
  readonly #confirmables: Confirmable[] = [];
  readonly #nonConfirmables = new Map<number, OutgoingMessage>();
  #queue: OutgoingMessage[] = [];
  /** Non-confirmable messages since the last acknowledgement. */
  #unconfirmed = 0;

  constructor(options: {
    parameters: TransmissionParameters;
    limits: { exchanges: number; queued: number };
    ids: MessageIds;
    port: OutboxPort;
  }) {
    this.#parameters = options.parameters;
    this.#limits = options.limits;
    this.#ids = options.ids;
    this.#port = options.port;
  }

  /** When `poll` has something to do; undefined: never. */
  get dueMs(): number | undefined {
    return this.#confirmables.length === 0
      ? undefined
      : Math.min(...this.#confirmables.map(({ dueMs }) => dueMs));
  }

  get isIdle(): boolean {
    return this.#confirmables.length === 0 && this.#queue.length === 0;
  }

  /** Sends the message, now or when there is room. @returns false: dropped, too many wait */
  push(message: OutgoingMessage, nowMs: number, random: number): boolean {
    if (this.#queue.length === 0 && this.#send(message, nowMs, random)) return true;
    if (this.#queue.length >= this.#limits.queued) return false;
    this.#queue.push(message);
    return true;
  }

  /** Takes an acknowledgement or a reset. @returns whether it names a message of this outbox */
  settle(messageId: number, result: "acknowledged" | "reset", nowMs: number, random: number): boolean {
    const index = this.#confirmables.findIndex((confirmable) => confirmable.messageId === messageId);
    const nonConfirmable = result === "reset" ? this.#nonConfirmables.get(messageId) : undefined;
    if (index < 0 && !nonConfirmable) return false;
    const [confirmable] = index < 0 ? [] : this.#confirmables.splice(index, 1);
    this.#nonConfirmables.delete(messageId);
    if (confirmable) this.#unconfirmed = 0;
    (confirmable?.message ?? nonConfirmable)?.ended(result);
    this.#drain(nowMs, random);
    return true;
  }

  /** Retransmits what is due, and gives up what was retransmitted often enough. */
  poll(nowMs: number, random: number): void {
    for (const due of this.#confirmables.filter(({ dueMs }) => dueMs <= nowMs)) {
      // The end of another one may have taken this one along.
      if (!this.#confirmables.includes(due)) continue;
      if (due.retransmissions >= this.#parameters.maxRetransmit) {
        this.#confirmables.splice(this.#confirmables.indexOf(due), 1);
        due.message.ended(this.#port.gaveUp(due.sentMs));
        continue;
      }
      due.retransmissions += 1;
      due.timeoutMs *= 2;
      due.dueMs = nowMs + due.timeoutMs;
      this.#port.retransmit(due.bytes);
    }
    this.#drain(nowMs, random);
  }

  /** Forgets the messages of one sender, whose interest is gone: no more of them are sent. */
  forget(isForgotten: (message: OutgoingMessage) => boolean): void {
    this.#queue = this.#queue.filter((message) => !isForgotten(message));
    for (const confirmable of this.#confirmables.filter(({ message }) => isForgotten(message)))
      this.#confirmables.splice(this.#confirmables.indexOf(confirmable), 1);
  }

  #drain(nowMs: number, random: number): void {
    while (this.#queue[0] && this.#send(this.#queue[0], nowMs, random)) this.#queue.shift();
  }

  #send(message: OutgoingMessage, nowMs: number, random: number): boolean {
    const isConfirmable = this.#confirmables.length < this.#parameters.nstart;
    const out = this.#confirmables.length + this.#unconfirmed;
    if (!isConfirmable && (!message.mayBeNonConfirmable || out >= this.#limits.exchanges)) return false;
    const messageId = this.#ids.take(nowMs);
    if (messageId === undefined) return false;
    const bytes = this.#port.transmit(message, isConfirmable ? "CON" : "NON", messageId);
    if (isConfirmable) {
      const timeoutMs = firstTimeoutMs(this.#parameters, random);
      const dueMs = nowMs + timeoutMs;
      this.#confirmables.push({
        messageId,
        message,
        bytes,
        sentMs: nowMs,
        timeoutMs,
        dueMs,
        retransmissions: 0,
      });
    } else {
      this.#unconfirmed += 1;
      this.#nonConfirmables.set(messageId, message);
      const [oldest] = this.#nonConfirmables.keys();
      if (this.#nonConfirmables.size > resettable && oldest !== undefined)
        this.#nonConfirmables.delete(oldest);
    }
    return true;
  }
}
