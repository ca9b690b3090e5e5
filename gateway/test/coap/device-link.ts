import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { CarrierName } from "@motelet/profiles";
import type { DeviceLink, LinkEvents } from "@motelet/reference";
import { generate, type ParsedPacket, parse } from "coap-packet";
import { SequenceWindow } from "../../src/transport/coap/message/sequence-window.ts";

const empty = Buffer.alloc(0);

/**
 * A device's end of CoAP without protection (SPEC §10.3): each hello is a FETCH with a new token, everything else a POST.
 * Retransmits like RFC 7252 §4.2, returns Echo values, and takes every notification whatever its sequence number. Does not:
 * NSTART, back-off between hellos (the session does that), block-wise transfer.
 */
export class CoapDeviceLink implements DeviceLink {
  readonly carrier: CarrierName = "coap";
  readonly rtoMs: number;
  readonly #gateway: { host: string; port: number };
  readonly #credential: readonly string[];
  readonly #socket: Socket;
  readonly #unacknowledged = new Map<number, NodeJS.Timeout>();
  /** Requests that have no response yet, by token. */
  readonly #waiting = new Set<string>();
  #events: LinkEvents | undefined;
  #messageId = Math.floor(Math.random() * 65_536);
  #token = 0;
  /** Tokens of the last hellos: the network may change their order. */
  #observed: string[] = [];
  #echo: Buffer | undefined;
  /** By token of the hello. */
  readonly #windows = new Map<string, SequenceWindow>();
  /** Responses and notifications by code, for tests. */
  readonly codes = new Map<string, number>();
  welcomes = 0;

  constructor(options: { host: string; port: number; user: string; password: string; rtoMs?: number }) {
    this.#gateway = options;
    this.#credential = [`u=${options.user}`, `p=${options.password}`];
    this.rtoMs = options.rtoMs ?? 200;
    this.#socket = createSocket(isIPv6(options.host) ? "udp6" : "udp4");
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    this.#socket.on("message", (bytes) => this.#received(bytes));
    this.#socket.bind(0);
    await once(this.#socket, "listening");
    events.opened();
  }

  send(message: Uint8Array, kind: string): boolean {
    const isHello = kind === "hello";
    const token = Buffer.alloc(2);
    token.writeUInt16BE(++this.#token % 65_536);
    if (isHello) this.#observed = [token.toString("hex"), ...this.#observed].slice(0, 8);
    this.#waiting.add(token.toString("hex"));
    const echo = this.#echo;
    this.#echo = undefined;
    const messageId = (this.#messageId = (this.#messageId + 1) % 65_536);
    const bytes = generate({
      code: isHello ? "FETCH" : "POST",
      confirmable: true,
      messageId,
      token,
      payload: Buffer.from(message),
      options: [
        ...(isHello ? [{ name: "Observe", value: empty }] : []),
        { name: "Uri-Path", value: Buffer.from("m") },
        { name: "Content-Format", value: Buffer.of(60) },
        ...(isHello ? this.#credential.map((text) => ({ name: "Uri-Query", value: Buffer.from(text) })) : []),
        ...(echo ? [{ name: "252", value: echo }] : []),
      ],
    });
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

  #transmit(messageId: number, bytes: Buffer, timeoutMs: number, left: number): void {
    this.#write(bytes);
    const timer = setTimeout(() => {
      this.#unacknowledged.delete(messageId);
      if (left > 0) this.#transmit(messageId, bytes, timeoutMs * 2, left - 1);
    }, timeoutMs);
    timer.unref();
    this.#unacknowledged.set(messageId, timer);
  }

  #write(bytes: Buffer): void {
    if (this.#events) this.#socket.send(bytes, this.#gateway.port, this.#gateway.host);
  }

  #received(bytes: Buffer): void {
    const packet = parse(bytes);
    if (packet.ack || packet.reset) {
      clearTimeout(this.#unacknowledged.get(packet.messageId));
      this.#unacknowledged.delete(packet.messageId);
    } else {
      const token = packet.token.toString("hex");
      const isKnown = this.#waiting.has(token) || this.#observed.includes(token);
      // What it does not know it resets, so that the gateway stops (RFC 7641 §3.6).
      const reply = Buffer.from([isKnown ? 0x60 : 0x70, 0, packet.messageId >> 8, packet.messageId & 0xff]);
      if (packet.confirmable || !isKnown) this.#write(reply);
    }
    if (packet.code !== "0.00") this.#response(packet);
  }

  /** A notification that was handled, or that comes long after others that were sent after it. */
  #isStale(packet: ParsedPacket, token: string): boolean {
    const value = packet.options.find(({ name }) => name === "Observe")?.value;
    if (!value) return false;
    const sequence = value.reduce((sum, byte) => sum * 256 + byte, 0);
    const window = this.#windows.get(token) ?? new SequenceWindow(24, 2 ** 24 - 1);
    this.#windows.set(token, window);
    return window.accept(sequence) !== "new";
  }

  #response(packet: ParsedPacket): void {
    const token = packet.token.toString("hex");
    const isNotification = this.#observed.includes(token);
    if (!this.#waiting.delete(token) && !isNotification) return;
    this.codes.set(packet.code, (this.codes.get(packet.code) ?? 0) + 1);
    this.#echo = packet.options.find(({ name }) => String(name) === "252")?.value ?? this.#echo;
    this.#events?.heard();
    // A late response to a hello that a newer one has followed.
    if (packet.code === "4.09") return;
    if (packet.code === "4.01" || packet.code === "5.03") {
      this.#events?.closed(packet.code);
      setTimeout(() => this.#events?.opened(), this.rtoMs).unref();
      return;
    }
    if (packet.payload.length === 0 || this.#isStale(packet, token)) return;
    if (packet.payload[1] === 1) this.welcomes += 1;
    this.#events?.message(new Uint8Array(packet.payload));
  }
}
