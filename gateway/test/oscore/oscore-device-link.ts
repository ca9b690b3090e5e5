import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { CarrierName } from "@motelet/profiles";
import type { DeviceLink, LinkEvents } from "@motelet/reference";
import {
  type CoapMessage,
  content,
  decodeDatagram,
  encodeDatagram,
  encodeEmpty,
} from "../../src/transport/coap/message/codec.ts";
import { Code, formatCode } from "../../src/transport/coap/message/codes.ts";
import {
  coapOption,
  type CoapMessage as InnerMessage,
  noBytes,
  optionOf,
} from "../../src/transport/coap/oscore/coap-message.ts";
import { kidOf } from "../../src/transport/coap/oscore/device-context.ts";
import {
  protectRequest,
  type RequestBinding,
  unprotectResponse,
} from "../../src/transport/coap/oscore/protection.ts";
import { ReplayWindow } from "../../src/transport/coap/oscore/replay-window.ts";
import { deriveContext, type SecurityContext } from "../../src/transport/coap/oscore/security-context.ts";
import type { WireIdentity } from "../../src/transport/directory.ts";

interface Sent {
  readonly binding: RequestBinding;
  readonly message: Uint8Array;
  readonly kind: string;
  /** Partial IVs of the responses and notifications that came. */
  readonly window: ReplayWindow;
}

const path = [11, Buffer.from("m")] as const;
const format = [12, Uint8Array.of(60)] as const;

/**
 * A device's end of CoAP with OSCORE (SPEC §10.3, §10.4). Retransmits, repeats a challenged request with its Echo value, and
 * ignores what is not protected. Sequence numbers live in the object: a device that is started again has to be given the next one.
 */
export class OscoreDeviceLink implements DeviceLink {
  readonly carrier: CarrierName = "coap";
  readonly rtoMs: number;
  readonly #gateway: { host: string; port: number };
  readonly #context: SecurityContext;
  #socket!: Socket;
  readonly #unacknowledged = new Map<number, NodeJS.Timeout>();
  readonly #sent = new Map<string, Sent>();
  #events: LinkEvents | undefined;
  #messageId = Math.floor(Math.random() * 65_536);
  #token = 0;
  #echo: Uint8Array | undefined;
  #sequence: number;
  /** Every datagram that was sent and that came, for tests. */
  readonly datagrams: Uint8Array[] = [];
  readonly received: Uint8Array[] = [];
  /** Protected responses and notifications by code. */
  readonly codes = new Map<string, number>();
  challenges = 0;
  unprotected = 0;
  welcomes = 0;

  constructor(options: {
    host: string;
    port: number;
    identity: WireIdentity;
    key: Uint8Array;
    rtoMs?: number;
    sequence?: number;
  }) {
    const { identity, key, rtoMs = 200, sequence = 0 } = options;
    this.#gateway = options;
    this.rtoMs = rtoMs;
    this.#sequence = sequence;
    this.#context = deriveContext({
      masterSecret: key,
      masterSalt: Buffer.from(`${identity.wireId}.${identity.generation}`),
      senderId: kidOf(identity),
      recipientId: noBytes,
    });
  }

  get context(): SecurityContext {
    return this.#context;
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    await this.#open();
    events.opened();
  }

  /** Sends from another port from now on, as behind a NAT that has forgotten its binding. */
  async roam(): Promise<void> {
    const before = this.#socket;
    await this.#open();
    before.close();
  }

  send(message: Uint8Array, kind: string): boolean {
    const options = [...(kind === "hello" ? [[coapOption.observe, noBytes] as const] : []), path, format];
    const echo = this.#echo;
    this.#echo = undefined;
    const code = kind === "hello" ? Code.fetch : Code.post;
    const withEcho = echo ? [...options, [coapOption.echo, echo] as const] : options;
    const inner = { code, options: withEcho, payload: message };
    const { message: outer, binding } = protectRequest(this.#context, inner, this.#sequence++);
    const token = Buffer.alloc(2);
    token.writeUInt16BE(++this.#token % 65_536);
    this.#sent.set(token.toString("hex"), { binding, message, kind, window: new ReplayWindow() });
    const messageId = (this.#messageId = (this.#messageId + 1) % 65_536);
    const outerOptions = outer.options.map(([number, value]) => ({ number, value }));
    const bytes = encodeDatagram({ type: "CON", messageId, token, ...outer, options: outerOptions });
    this.#transmit(messageId, bytes, this.rtoMs * (1 + Math.random() / 2), 4);
    return true;
  }

  reset(): void {
    for (const timer of this.#unacknowledged.values()) clearTimeout(timer);
    this.#unacknowledged.clear();
  }

  async stop(): Promise<void> {
    this.reset();
    this.#events = undefined;
    await new Promise<void>((resolve) => setImmediate(() => this.#socket.close(() => resolve())));
  }

  /** Sends a datagram again, as somebody who has recorded it. */
  replay(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#gateway.port, this.#gateway.host);
  }

  async #open(): Promise<void> {
    this.#socket = createSocket("udp4");
    this.#socket.on("message", (bytes) => this.#received(bytes));
    this.#socket.bind(0);
    await once(this.#socket, "listening");
  }

  #transmit(messageId: number, bytes: Uint8Array, timeoutMs: number, left: number): void {
    this.datagrams.push(bytes);
    this.#write(bytes);
    const timer = setTimeout(() => {
      this.#unacknowledged.delete(messageId);
      if (left > 0) this.#transmit(messageId, bytes, timeoutMs * 2, left - 1);
    }, timeoutMs);
    timer.unref();
    this.#unacknowledged.set(messageId, timer);
  }

  #write(bytes: Uint8Array): void {
    if (this.#events) this.#socket.send(bytes, this.#gateway.port, this.#gateway.host);
  }

  #received(bytes: Uint8Array): void {
    this.received.push(Uint8Array.from(bytes));
    const decoded = decodeDatagram(bytes, 65_535);
    if (!("message" in decoded)) return;
    const { message } = decoded;
    if (message.type === "ACK" || message.type === "RST") {
      clearTimeout(this.#unacknowledged.get(message.messageId));
      this.#unacknowledged.delete(message.messageId);
    } else if (message.type === "CON") this.#write(encodeEmpty("ACK", message.messageId));
    if (message.code !== Code.empty) this.#response(message);
  }

  #response({ token, code, options, payload }: CoapMessage): void {
    const sent = this.#sent.get(Buffer.from(token).toString("hex"));
    if (!sent) return;
    const outer = { ...content(code, payload), options: options.map((o) => [o.number, o.value] as const) };
    const read = unprotectResponse(this.#context, outer, sent.binding);
    if (!read.ok) {
      this.unprotected += 1;
      return;
    }
    if (read.sequence === undefined) throw new Error("the gateway used the nonce of a request");
    if (!sent.window.isNew(read.sequence)) return;
    sent.window.accept(read.sequence);
    this.#handle(read.message, sent);
  }

  #handle(response: InnerMessage, sent: Sent): void {
    const echo = optionOf(response, coapOption.echo);
    const code = formatCode(response.code);
    this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
    this.#echo = echo ?? this.#echo;
    this.#events?.heard();
    if (response.code === Code.unauthorized && echo) {
      this.challenges += 1;
      this.send(sent.message, sent.kind);
    } else if (response.code === Code.unauthorized || response.code === Code.serviceUnavailable) {
      this.#events?.closed(String(response.code));
      setTimeout(() => this.#events?.opened(), this.rtoMs).unref();
    } else if (response.code < 0x80 && response.payload.length > 0) {
      if (response.payload[1] === 1) this.welcomes += 1;
      this.#events?.message(response.payload);
    }
  }
}
