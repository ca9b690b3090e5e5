import { LateFilter, lateAfter } from "./coap-late-filter.ts";
import { type CoapContent, type CoapMessage, type CoapType, encodeCoap } from "./coap-message.ts";
import type { CoapProtection, ProtectedRequest } from "./coap-protection.ts";

/** A message of the device on its way. */
export interface CoapRequest {
  readonly kind: "hello" | "post" | "leave";
  readonly message: Uint8Array;
  /** False: it is non-confirmable while another message is unacknowledged. */
  readonly mustBeConfirmable: boolean;
  /** It is the repetition that a gateway demanded by an Echo value; it is not repeated again. */
  readonly isRepeated?: boolean;
}

/** What the link does for its requests. */
export interface CoapRequestsPort {
  /** Puts the request into the form that goes out. */
  compose(request: CoapRequest): CoapContent;
  transmit(bytes: Uint8Array): void;
  /** A confirmable message was never acknowledged. @param sentMs when it was sent first */
  gaveUp(sentMs: number): void;
}

/** A request that was sent, as long as a response to it is known. */
export interface SentRequest {
  readonly request: CoapRequest;
  readonly messageId: number;
  readonly token: Uint8Array;
  readonly open: ProtectedRequest["open"];
  /** Of a hello: which of its notifications are handled. */
  readonly filter: LateFilter;
  /** A response came: another one is a duplicate, or a notification. */
  isAnswered: boolean;
}

interface Unanswered {
  readonly sent: SentRequest;
  readonly type: CoapType;
  readonly bytes: Uint8Array;
  readonly sentMs: number;
  timeoutMs: number;
  dueMs: number;
  retransmissions: number;
}

/** Requests that may be unanswered at a time; the gateway recognises duplicates of as many (SPEC §10.3). */
const maxUnanswered = 8;
/** Messages that may wait for those before further ones are dropped: four windows of a stream. */
const maxWaiting = 64;
/** Hellos whose notifications are taken: the network may change their order (SPEC §10.3). */
const knownHellos = 8;
/** A request is taken for lost when one that was sent this much later has been answered. */
const lostAfter = 3;
const maxRetransmissions = 4;

/**
 * The message layer of a device's client (RFC 7252 §4): message ids that ascend by one, a new token for each request, one
 * confirmable message at a time (NSTART) and at most eight unanswered requests. A message is confirmable whenever none is
 * unacknowledged: of a conversation with pauses, all are. Time is an argument.
 */
export class CoapRequests {
  readonly #protection: CoapProtection;
  readonly #port: CoapRequestsPort;
  readonly #rtoMs: number;
  readonly #random: () => number;
  readonly #unanswered = new Map<number, Unanswered>();
  /** Requests of the last hellos and of the last `lateAfter` messages, by token, oldest first. */
  readonly #sent = new Map<string, SentRequest>();
  #waiting: CoapRequest[] = [];
  #messageId: number;
  #token: number;

  constructor(options: {
    readonly protection: CoapProtection;
    readonly port: CoapRequestsPort;
    readonly rtoMs: number;
    readonly random: () => number;
  }) {
    this.#protection = options.protection;
    this.#port = options.port;
    this.#rtoMs = options.rtoMs;
    this.#random = options.random;
    this.#messageId = Math.floor(options.random() * 0x1_0000);
    this.#token = Math.floor(options.random() * 0x1_0000_0000);
  }

  /** When `poll` has something to do; Infinity: never. */
  get dueMs(): number {
    let dueMs = Number.POSITIVE_INFINITY;
    for (const unanswered of this.#unanswered.values()) dueMs = Math.min(dueMs, unanswered.dueMs);
    return dueMs;
  }

  /** Nothing waits, neither to be sent nor to be answered. */
  get isIdle(): boolean {
    return this.#unanswered.size === 0 && this.#waiting.length === 0;
  }

  /** Sends the request, now or when there is room. @returns false: dropped, too many wait */
  push(request: CoapRequest, nowMs: number): boolean {
    if (request.kind === "hello") this.#giveUpAll();
    if (this.#waiting.length >= maxWaiting) return false;
    this.#waiting.push(request);
    this.#drain(nowMs);
    return true;
  }

  /** The request with the token of this response; undefined: it is for none that is known. */
  find({ token }: CoapMessage): SentRequest | undefined {
    return this.#sent.get(keyOf(token));
  }

  /** An empty acknowledgement: the response comes by itself. @returns whether it names a request */
  acknowledged(messageId: number, nowMs: number): boolean {
    const isKnown = this.#unanswered.delete(messageId);
    this.#drain(nowMs);
    return isKnown;
  }

  /** A response came. @returns false: it is a duplicate, or too late to be handled */
  answered(sent: SentRequest, nowMs: number): boolean {
    const isFirst = !sent.isAnswered;
    sent.isAnswered = true;
    this.#unanswered.delete(sent.messageId);
    for (const [messageId, { type }] of this.#unanswered)
      if (type === "NON" && behind(messageId, sent.messageId) >= lostAfter)
        this.#unanswered.delete(messageId);
    this.#drain(nowMs);
    return isFirst && behind(sent.messageId, this.#messageId) < lateAfter;
  }

  /** Retransmits what is due, and gives up what was retransmitted often enough. */
  poll(nowMs: number): void {
    for (const [messageId, due] of this.#unanswered) {
      if (due.dueMs > nowMs) continue;
      if (due.type === "NON" || due.retransmissions >= maxRetransmissions) {
        this.#unanswered.delete(messageId);
        if (due.type === "CON") this.#port.gaveUp(due.sentMs);
        continue;
      }
      due.retransmissions++;
      due.timeoutMs *= 2;
      due.dueMs = nowMs + due.timeoutMs;
      this.#port.transmit(due.bytes);
    }
    this.#drain(nowMs);
  }

  /** What a reset leaves: the number of the last message, so that they ascend further. */
  forget(): void {
    this.#giveUpAll();
    this.#sent.clear();
  }

  /** What was said before a hello is void, and so is what is said to it. */
  #giveUpAll(): void {
    this.#unanswered.clear();
    this.#waiting = [];
    for (const [key, { request }] of this.#sent) if (request.kind === "post") this.#sent.delete(key);
  }

  #drain(nowMs: number): void {
    while (this.#unanswered.size < maxUnanswered) {
      const isConfirmableFree = ![...this.#unanswered.values()].some(({ type }) => type === "CON");
      // A message that has to be confirmable lets others pass while another one is unacknowledged.
      const index = this.#waiting.findIndex((request) => isConfirmableFree || !request.mustBeConfirmable);
      const [request] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (!request) return;
      this.#send(request, isConfirmableFree && request.kind !== "leave" ? "CON" : "NON", nowMs);
    }
  }

  #send(request: CoapRequest, type: CoapType, nowMs: number): void {
    const protectedRequest = this.#protection.protect(this.#port.compose(request));
    if (!protectedRequest) return;
    const { content, open } = protectedRequest;
    const messageId = (this.#messageId = (this.#messageId + 1) & 0xffff);
    const token = request.kind === "leave" ? this.#newestHelloToken() : this.#nextToken();
    const bytes = encodeCoap({ type, messageId, token, ...content });
    if (request.kind !== "leave") {
      const filter = new LateFilter(this.#protection.sequenceBits);
      const sent = { request, messageId, token, open, filter, isAnswered: false };
      this.#sent.set(keyOf(token), sent);
      this.#forgetOld();
      const timeoutMs = this.#rtoMs * (1 + this.#random() / 2);
      const dueMs = nowMs + timeoutMs;
      this.#unanswered.set(messageId, {
        sent,
        type,
        bytes,
        sentMs: nowMs,
        timeoutMs,
        dueMs,
        retransmissions: 0,
      });
    }
    this.#port.transmit(bytes);
  }

  #forgetOld(): void {
    const sent = [...this.#sent];
    const hellos = sent.filter(([, { request }]) => request.kind === "hello");
    const posts = sent.filter(([, { request }]) => request.kind === "post");
    for (const [key] of [...hellos.slice(0, -knownHellos), ...posts.slice(0, -lateAfter)])
      this.#sent.delete(key);
  }

  #newestHelloToken(): Uint8Array {
    return (
      [...this.#sent.values()].findLast(({ request }) => request.kind === "hello")?.token ?? new Uint8Array(0)
    );
  }

  #nextToken(): Uint8Array {
    this.#token = (this.#token + 1) >>> 0;
    const token = Buffer.alloc(4);
    token.writeUInt32BE(this.#token);
    return token;
  }
}

/** How many messages were sent after `id` until `newest`. */
function behind(id: number, newest: number): number {
  return ((newest - id + 0x1_8000) & 0xffff) - 0x8000;
}

const keyOf = (token: Uint8Array) => Buffer.from(token).toString("hex");
