import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { PassThrough } from "node:stream";
import { encodeMessage } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { systemClock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import type { Channel } from "../../src/transport/channel.ts";
import { CoapTransport, type CoapTransportOptions } from "../../src/transport/coap/coap-transport.ts";
import { type CoapMessage, decodeDatagram, encodeDatagram } from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { type CoapOption, Option } from "../../src/transport/coap/message/options.ts";
import type { Authenticator, RefusedClient, Verdict, WireIdentity } from "../../src/transport/directory.ts";

/** One channel as the test sees it. */
export interface OpenedChannel {
  readonly channel: Channel;
  readonly messages: Uint8Array[];
  closedFor: string | undefined;
}

/**
 * A started transport with a directory of wire ids whose password is "secret-<wireId>", generation 1. Wire ids that begin
 * with "no" are unknown. Fakes: the authenticator (no constant time, no store) and the acceptor, which answers each hello
 * with `welcome`.
 */
export class CoapTransportBed implements AsyncDisposable {
  readonly metrics = new Metrics();
  readonly channels: OpenedChannel[] = [];
  readonly turnedAway: RefusedClient[] = [];
  /** What a hello is answered with; undefined: with nothing. */
  welcome: Uint8Array | undefined = Uint8Array.of(0x81, 1);
  readonly #paused = new Set<string>();
  readonly #revocations = new Set<(wireId: string) => void>();
  readonly #clients: CoapClient[] = [];
  readonly #host: string;
  #transport!: CoapTransport;
  #logText = "";
  port = 0;

  private constructor(host: string) {
    this.#host = host;
  }

  static async start(options: Partial<CoapTransportOptions> = {}): Promise<CoapTransportBed> {
    const host = options.host ?? "127.0.0.1";
    const bed = new CoapTransportBed(host);
    const destination = new PassThrough();
    destination.on("data", (chunk) => {
      bed.#logText += String(chunk);
    });
    bed.#transport = new CoapTransport({
      host,
      port: 0,
      insecure: true,
      authenticator: bed.#authenticator(),
      acceptor: { opened: (channel) => bed.#opened(channel) },
      log: createLogger({ level: "warn", destination }),
      metrics: bed.metrics,
      clock: systemClock,
      ...options,
    });
    bed.port = (await bed.#transport.start()).port;
    return bed;
  }

  async client(host = this.#host): Promise<CoapClient> {
    const client = new CoapClient(host, this.port);
    this.#clients.push(client);
    await client.open();
    return client;
  }

  refused(reason: string): Promise<number> {
    return this.metrics.valueOf("motelet_coap_refused_total", { reason });
  }

  dropped(reason: string): Promise<number> {
    return this.metrics.valueOf("motelet_coap_dropped_total", { reason });
  }

  logLines(code: string): Record<string, unknown>[] {
    const lines = this.#logText.split("\n").filter((line) => line !== "");
    return lines
      .map((line) => JSON.parse(line) as Record<string, unknown>)
      .filter((line) => line.code === code);
  }

  pause(wireId: string): void {
    this.#paused.add(wireId);
    for (const listener of this.#revocations) listener(wireId);
  }

  async stopTransport(): Promise<void> {
    await this.#transport[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopTransport();
    for (const client of this.#clients) client.close();
  }

  #authenticator(): Authenticator {
    return {
      authenticate: ({ password, ...identity }): Verdict =>
        Buffer.from(password).toString() === `secret-${identity.wireId}`
          ? this.#judge(identity)
          : { admitted: false, reason: identity.wireId.startsWith("no") ? "unknown-id" : "wrong-password" },
      admit: (identity) => this.#judge(identity),
      pskOf: () => undefined,
      refused: (client) => void this.turnedAway.push(client),
      onRevoked: (listener) => {
        this.#revocations.add(listener);
        return () => this.#revocations.delete(listener);
      },
    };
  }

  #judge({ wireId, generation }: WireIdentity): Verdict {
    if (wireId.startsWith("no")) return { admitted: false, reason: "unknown-id" };
    if (generation !== 1) return { admitted: false, reason: "wrong-generation" };
    return this.#paused.has(wireId) ? { admitted: false, reason: "paused" } : { admitted: true };
  }

  #opened(channel: Channel) {
    const opened: OpenedChannel = { channel, messages: [], closedFor: undefined };
    this.channels.push(opened);
    return {
      message: (bytes: Uint8Array) => {
        opened.messages.push(bytes);
        if (bytes[1] === 0 && this.welcome) channel.send(this.welcome);
      },
      console: () => {},
      closed: (reason: string) => {
        if (opened.closedFor !== undefined) throw new Error("closed twice");
        opened.closedFor = reason;
      },
    };
  }
}

const noBytes = new Uint8Array(0);

/** A hello of this attempt. */
export function helloOf(attempt = 1, boot = 1): Uint8Array {
  return encodeMessage({ kind: "hello", version: 0, boot, attempt, sid: 0, caps: 0 });
}

export const hello = helloOf();

export function text(number: number, value: string): CoapOption {
  return { number, value: Buffer.from(value) };
}

/** The options of a hello. */
export function helloOptions(
  wireId: string,
  changes: { user?: string; password?: string } = {},
): CoapOption[] {
  const { user = `${wireId}.1`, password = `secret-${wireId}` } = changes;
  return [
    { number: Option.observe, value: noBytes },
    text(Option.uriPath, "m"),
    { number: Option.contentFormat, value: Uint8Array.of(60) },
    text(Option.uriQuery, `u=${user}`),
    text(Option.uriQuery, `p=${password}`),
  ];
}

/** A client that sends what it is told to, and keeps what comes. It acknowledges and retransmits nothing by itself. */
export class CoapClient {
  readonly received: CoapMessage[] = [];
  readonly #socket: Socket;
  readonly #gateway: { readonly host: string; readonly port: number };
  #messageId = 0;

  constructor(host: string, port: number) {
    this.#gateway = { host, port };
    this.#socket = createSocket(isIPv6(host) ? "udp6" : "udp4");
  }

  async open(): Promise<void> {
    this.#socket.on("message", (bytes) => {
      const decoded = decodeDatagram(bytes, 65_535);
      if ("message" in decoded) this.received.push(decoded.message);
    });
    this.#socket.bind(0);
    await once(this.#socket, "listening");
  }

  send(parts: Partial<CoapMessage>): CoapMessage {
    const messageId = ++this.#messageId;
    const token = Uint8Array.of(messageId >> 8, messageId & 0xff);
    const defaults = { type: "CON", code: Code.get, options: [], payload: noBytes } as const;
    const message: CoapMessage = { ...defaults, messageId, token, ...parts };
    this.sendRaw(encodeDatagram(message));
    return message;
  }

  sendRaw(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#gateway.port, this.#gateway.host);
  }

  /** Sends a request, and waits for the response with its token. Fails after 5 s. */
  async ask(parts: Partial<CoapMessage>): Promise<CoapMessage> {
    const { token } = this.send(parts);
    const isResponse = (message: CoapMessage) =>
      message.code !== Code.empty && Buffer.from(message.token).equals(token);
    const before = this.received.length;
    await until("there is a response", () => this.received.slice(before).some(isResponse));
    return this.received.slice(before).find(isResponse) as CoapMessage;
  }

  get(path: string, options: readonly CoapOption[] = []): Promise<CoapMessage> {
    const segments = path.split("/").map((segment) => text(Option.uriPath, segment));
    return this.ask({ options: [...segments, ...options].toSorted((a, b) => a.number - b.number) });
  }

  greet(
    wireId: string,
    changes: { user?: string; password?: string; attempt?: number; boot?: number } = {},
  ): Promise<CoapMessage> {
    const payload = helloOf(changes.attempt, changes.boot);
    return this.ask({ code: Code.fetch, options: helloOptions(wireId, changes), payload });
  }

  post(payload: Uint8Array, type: "CON" | "NON" = "CON"): Promise<CoapMessage> {
    return this.ask({ type, code: Code.post, options: [text(Option.uriPath, "m")], payload });
  }

  acknowledge(messageId: number, type: "ACK" | "RST" = "ACK"): void {
    this.send({ type, code: Code.empty, messageId, token: noBytes });
  }

  close(): void {
    this.#socket.close();
  }
}
