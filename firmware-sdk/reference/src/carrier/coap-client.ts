import { defaults, type MessageKind } from "@motelet/profiles";
import {
  CoapCode,
  type CoapContent,
  type CoapMessage,
  CoapOptionNumber,
  coapOption,
  coapUint,
  decodeCoap,
  encodeEmptyCoap,
  textOf,
} from "./coap-message.ts";
import { type CoapProtection, plainProtection } from "./coap-protection.ts";
import { type CoapRequest, CoapRequests, type SentRequest } from "./coap-requests.ts";
import { type CoapAddress, CoapSocket, parseCoapUrl } from "./coap-socket.ts";
import type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";
import { type ConnectionEnd, Reconnect } from "./reconnect.ts";

export interface CoapLinkOptions {
  /** `coap://127.0.0.1:5683` */
  readonly url: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
  /** Default: plain CoAP, whose hello carries the credential. */
  readonly protection?: CoapProtection;
  /** Time until a message is retransmitted the first time, milliseconds; default: the profile's. */
  readonly rtoMs?: number;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/** Path of the channel (SPEC §10.3). */
const channelPath = { number: CoapOptionNumber.uriPath, value: Buffer.from("m") };
const cborFormat = { number: CoapOptionNumber.contentFormat, value: Uint8Array.of(60) };
const observe = (value: 0 | 1) => ({
  number: CoapOptionNumber.observe,
  // An unsigned integer has no leading zeros, so that 0 is empty.
  value: value === 0 ? new Uint8Array(0) : Uint8Array.of(1),
});
/** Messages whose loss the session notices late, or never. */
const confirmable: ReadonlySet<MessageKind> = new Set(["hello", "beat", "bye"]);
/** After this many hellos without a response the name of the gateway is looked up again. */
const maxUnheardHellos = 4;
/** RFC 7252 §5.10.5. */
const defaultMaxAgeS = 60;
/** Time that an orderly end may take, milliseconds. */
const endTimeoutMs = 1_000;

/**
 * The CoAP binding (SPEC §10.3): a hello is a FETCH that observes, everything else a POST, and every notification is a message.
 *
 * The client is our own, over npm coap-packet. npm coap (node-coap) cannot be it: it leaves out notifications whose sequence
 * number is lower than that of another; it looks for the message id of a notification among those of its own requests, so that it
 * acknowledges some and loses them; it has one retransmission time for the whole process, reports an unacknowledged message after
 * 247 s, and keeps each unanswered non-confirmable request for 202 s; and it knows no NSTART.
 */
export class CoapLink implements DeviceLink {
  readonly carrier = "coap";
  readonly rtoMs: number;
  readonly traffic: LinkTraffic = { opens: 0, messagesOut: 0, messagesIn: 0, bytesOut: 0, bytesIn: 0 };
  readonly #address: CoapAddress;
  readonly #random: () => number;
  readonly #requests: CoapRequests;
  #reconnect = new Reconnect();
  #events: LinkEvents | undefined;
  #socket: CoapSocket | undefined;
  /** Messages may be sent. */
  #isOpen = false;
  /** The gateway has answered the newest hello, or one before since the link opened. */
  #isGreeted = false;
  #unheardHellos = 0;
  /** When a response or a notification came last. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #newestHello: CoapRequest | undefined;
  #echo: Uint8Array | undefined;
  #isHeld = false;
  #isStopped = false;
  #retransmitTimer: NodeJS.Timeout | undefined;
  #retransmitAtMs = Number.POSITIVE_INFINITY;
  #reopenTimer: NodeJS.Timeout | undefined;
  #whenIdle: (() => void) | undefined;

  /** @throws OptionError where the URL cannot be one */
  constructor(options: CoapLinkOptions) {
    this.#address = parseCoapUrl(options.url);
    this.rtoMs = options.rtoMs ?? defaults.rtoMs;
    this.#random = options.random ?? Math.random;
    this.#requests = new CoapRequests({
      protection: options.protection ?? plainProtection(options),
      rtoMs: this.rtoMs,
      random: this.#random,
      port: {
        compose: (request) => this.#compose(request),
        transmit: (bytes) => this.#transmit(bytes),
        gaveUp: (sentMs) => {
          if (this.#heardMs < sentMs)
            this.#lose("a message was never acknowledged", this.#waitMs("failed"), true);
        },
      },
    });
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    this.#connect();
  }

  send(message: Uint8Array, kind: MessageKind): boolean {
    if (!this.#isOpen || this.#isHeld) return false;
    const isHello = kind === "hello";
    const request: CoapRequest = {
      kind: isHello ? "hello" : "post",
      // A copy: the sender's buffer is its own again when this returns.
      message: Uint8Array.from(message),
      mustBeConfirmable: confirmable.has(kind),
    };
    if (isHello) this.#newestHello = request;
    if (isHello && ++this.#unheardHellos > maxUnheardHellos) {
      // Not in the sender's turn: it is in the middle of its work.
      setImmediate(() => this.#lose("no response to hello", this.#waitMs("failed"), true));
      return false;
    }
    const isTaken = this.#push(request);
    if (isTaken) this.traffic.messagesOut++;
    return isTaken;
  }

  reset(): void {
    // What a board knew of its gateway is gone, too.
    this.#reconnect = new Reconnect();
    this.#lose("reset", 0, false);
  }

  hold(held: boolean): void {
    this.#isHeld = held;
    if (held) {
      clearTimeout(this.#retransmitTimer);
      this.#retransmitAtMs = Number.POSITIVE_INFINITY;
    } else this.#setTimer();
  }

  async stop(): Promise<void> {
    if (this.#isOpen && this.#isGreeted && !this.#isHeld) {
      await this.#untilIdle();
      this.#push({ kind: "leave", message: new Uint8Array(0), mustBeConfirmable: false });
    }
    this.#isStopped = true;
    this.#isOpen = false;
    clearTimeout(this.#reopenTimer);
    clearTimeout(this.#retransmitTimer);
    await this.#socket?.close();
  }

  #connect(): void {
    const socket = new CoapSocket(this.#address, {
      opened: () => this.#open(),
      datagram: (bytes) => this.#received(bytes),
      failed: (reason) => {
        if (this.#socket === socket) this.#lose(reason, this.#waitMs("failed"), true);
      },
    });
    this.#socket = socket;
  }

  #open(): void {
    if (this.#isStopped) return;
    this.#isOpen = true;
    this.traffic.opens++;
    this.#events?.opened();
  }

  /** @returns how long to wait, because of how it ended, before the next hello */
  #waitMs(end: ConnectionEnd): number {
    const how = end !== "refused" && this.#isGreeted ? "cut" : end;
    return this.#reconnect.ended(how, performance.now()) * this.#jitter();
  }

  #jitter(): number {
    return 0.7 + 0.3 * this.#random();
  }

  /** Begins again later. @param renew open another socket, and look up the gateway's address */
  #lose(reason: string, afterMs: number, renew: boolean): void {
    if (this.#isStopped) return;
    this.#isOpen = false;
    this.#isGreeted = false;
    this.#unheardHellos = 0;
    this.#echo = undefined;
    this.#requests.forget();
    this.#setTimer();
    clearTimeout(this.#reopenTimer);
    if (renew) {
      void this.#socket?.close();
      this.#socket = undefined;
    }
    this.#reopenTimer = setTimeout(() => (this.#socket ? this.#open() : this.#connect()), afterMs);
    this.#events?.closed(reason);
  }

  #compose({ kind, message }: CoapRequest): CoapContent {
    const echo = this.#echo ? [{ number: CoapOptionNumber.echo, value: this.#echo }] : [];
    this.#echo = undefined;
    const about = kind === "post" ? [] : [observe(kind === "hello" ? 0 : 1)];
    const options = [...about, channelPath, ...(message.length > 0 ? [cborFormat] : []), ...echo];
    return { code: kind === "post" ? CoapCode.post : CoapCode.fetch, options, payload: message };
  }

  #push(request: CoapRequest): boolean {
    const isTaken = this.#requests.push(request, performance.now());
    this.#setTimer();
    return isTaken;
  }

  #transmit(bytes: Uint8Array): void {
    this.traffic.bytesOut += bytes.length;
    this.#socket?.send(bytes);
  }

  #setTimer(): void {
    if (this.#requests.isIdle) this.#whenIdle?.();
    const { dueMs } = this.#requests;
    // A timer that comes early finds nothing to do; setting it again for each message would cost more.
    if (dueMs >= this.#retransmitAtMs || this.#isHeld || this.#isStopped) return;
    clearTimeout(this.#retransmitTimer);
    this.#retransmitAtMs = dueMs;
    this.#retransmitTimer = setTimeout(
      () => {
        this.#retransmitAtMs = Number.POSITIVE_INFINITY;
        this.#requests.poll(performance.now());
        this.#setTimer();
      },
      Math.max(1, dueMs - performance.now()),
    );
  }

  async #untilIdle(): Promise<void> {
    if (this.#requests.isIdle) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, endTimeoutMs);
      this.#whenIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #received(bytes: Buffer): void {
    if (this.#isHeld) return;
    this.traffic.bytesIn += bytes.length;
    const message = decodeCoap(bytes);
    if (!message) return;
    const isEmpty = message.code === CoapCode.empty;
    if (isEmpty) this.#receivedEmpty(message);
    else this.#receivedResponse(message);
    this.#setTimer();
  }

  #receivedEmpty({ type, messageId }: CoapMessage): void {
    // A ping (RFC 7252 §4.3).
    if (type === "CON") this.#transmit(encodeEmptyCoap("RST", messageId));
    const isOurs =
      (type === "ACK" || type === "RST") && this.#requests.acknowledged(messageId, performance.now());
    if (isOurs && type === "RST" && this.#isOpen)
      this.#lose("the gateway has reset a message", this.#waitMs("refused"), false);
  }

  #receivedResponse(message: CoapMessage): void {
    const { type, messageId } = message;
    // Requests are not for a device.
    if (message.code >> 5 < 2) return;
    const sent = this.#requests.find(message);
    const opened = sent?.open(message);
    const isNotification = coapUint(message, CoapOptionNumber.observe) !== undefined;
    // So that the gateway stops to observe what the device has forgotten (RFC 7641 §3.6).
    if (type === "CON" || (type === "NON" && !sent && isNotification))
      this.#transmit(encodeEmptyCoap(sent ? "ACK" : "RST", messageId));
    if (!sent || !opened) return;
    const isNew = this.#requests.answered(sent, performance.now());
    this.#handle(sent, opened.content, opened.sequence, isNew);
  }

  /** @param isNew it is the first response to its request, and not late */
  #handle(sent: SentRequest, content: CoapContent, sequence: number | undefined, isNew: boolean): void {
    const isHello = sent.request.kind === "hello";
    const isToHandle = isHello && sequence !== undefined ? sent.filter.takes(sequence) : isNew;
    const echo = coapOption(content, CoapOptionNumber.echo);
    if (echo) this.#echo = echo;
    if (!this.#isOpen) return;
    this.#heardMs = performance.now();
    this.#events?.heard();
    if (content.code >> 5 !== 2) {
      if (isNew || isHello) this.#refused(sent, content, echo !== undefined);
      return;
    }
    if (isHello) this.#greeted();
    if (content.payload.length === 0 || !isToHandle) return;
    this.traffic.messagesIn++;
    this.#events?.message(content.payload);
  }

  #greeted(): void {
    this.#unheardHellos = 0;
    if (this.#isGreeted) return;
    this.#isGreeted = true;
    this.#reconnect.opened(performance.now());
  }

  #refused({ request }: SentRequest, content: CoapContent, hasEcho: boolean): void {
    const { code } = content;
    const isHello = request.kind === "hello";
    // It came after a newer hello, or it is the answer to an older one.
    if (code === CoapCode.conflict || (isHello && request !== this.#newestHello)) return;
    const text = Buffer.from(content.payload).toString("utf8").slice(0, 80);
    const reason = `the gateway answered ${textOf(code)}${text === "" ? "" : `: ${text}`}`;
    if (code === CoapCode.unauthorized && hasEcho && !request.isRepeated) {
      const repeated = { ...request, isRepeated: true };
      if (isHello) this.#newestHello = repeated;
      this.#push(repeated);
    } else if (isHello && !this.#isGreeted) this.#lose(reason, this.#helloWaitMs(content), false);
    else if (code === CoapCode.unauthorized || code === CoapCode.serviceUnavailable)
      this.#lose(reason, this.#waitMs("cut"), false);
  }

  /** How long a device waits after a hello that was not answered by a welcome (SPEC §10.3). */
  #helloWaitMs(content: CoapContent): number {
    switch (content.code) {
      case CoapCode.unauthorized:
      case CoapCode.forbidden:
        return defaults.refusedSeconds * 1000 * this.#jitter();
      case CoapCode.serviceUnavailable:
        return (coapUint(content, CoapOptionNumber.maxAge) ?? defaultMaxAgeS) * 1000;
      default:
        return this.#waitMs("refused");
    }
  }
}
