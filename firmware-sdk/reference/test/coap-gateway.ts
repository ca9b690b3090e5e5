import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import type { SimulatedGateway } from "@motelet/testing";
import { generate, type ParsedPacket, parse } from "coap-packet";

/** What came from a device, as far as tests ask. */
export interface ReceivedDatagram extends ParsedPacket {
  /** How long after the first one. */
  readonly atMs: number;
  readonly queries: readonly string[];
  readonly echo?: Buffer | undefined;
}

interface Observer {
  readonly token: Buffer;
  readonly to: RemoteInfo;
}

/**
 * The gateway's end of CoAP on 127.0.0.1, with a simulated gateway behind it: one device, all notifications non-confirmable, nothing
 * retransmitted and no duplicates recognised. Tests say what else goes wrong.
 */
export class CoapGateway implements AsyncDisposable {
  readonly received: ReceivedDatagram[] = [];
  /** Asked for each request: a code instead of the usual response, or that there is none. */
  refuse: ((request: ReceivedDatagram) => string | "silence" | undefined) | undefined;
  /** Added to the response to a hello. */
  echo: Buffer | undefined;
  /** Echo value of refusals. */
  refusalEcho: Buffer | undefined;
  /** Max-Age of refusals, seconds. */
  maxAgeS: number | undefined;
  readonly #gateway: SimulatedGateway;
  readonly #password: string;
  readonly #socket = createSocket("udp4");
  #observer: Observer | undefined;
  #greeting: ((welcome: Uint8Array) => void) | undefined;
  #sequence = 0;
  #messageId = 0;

  private constructor(gateway: SimulatedGateway, password: string) {
    this.#gateway = gateway;
    this.#password = password;
  }

  static async start(gateway: SimulatedGateway, port = 0, password = "secret"): Promise<CoapGateway> {
    const served = new CoapGateway(gateway, password);
    gateway.attach((message) => served.#send(message));
    served.#socket.on("message", (bytes, from) => served.#take(bytes, from));
    served.#socket.bind(port, "127.0.0.1");
    await once(served.#socket, "listening");
    return served;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** What came of this code, each message once. */
  requests(code: string): ReceivedDatagram[] {
    const seen = new Set<number>();
    return this.received.filter((packet) => {
      if (packet.code !== code || seen.has(packet.messageId)) return false;
      seen.add(packet.messageId);
      return true;
    });
  }

  /** Ends the observation, as a gateway does that wants no channel any more. */
  cut(): void {
    this.#notify("5.03");
    this.#observer = undefined;
  }

  /** Sends a notification. @param sequence default: the next one */
  notify(payload: Uint8Array, sequence = ++this.#sequence, options: { confirmable?: boolean } = {}): number {
    return this.#notify("2.05", payload, sequence, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => setImmediate(() => this.#socket.close(() => resolve())));
  }

  #take(bytes: Buffer, from: RemoteInfo): void {
    const packet = parse(bytes);
    const valuesOf = (name: string) =>
      packet.options.filter((option) => String(option.name) === name).map(({ value }) => value);
    const queries = valuesOf("Uri-Query").map(String);
    const [echo] = valuesOf("252");
    const request = { ...packet, atMs: performance.now(), queries, echo };
    this.received.push(request);
    if (packet.code === "0.00") return;
    const refusal = this.refuse?.(request);
    if (refusal === "silence") return;
    if (refusal !== undefined) this.#respond(request, from, refusal, undefined, this.#refusalOptions());
    else if (packet.code === "0.05") this.#fetch(request, from, valuesOf("Observe")[0]);
    else if (this.#observer?.to.port !== from.port) this.#respond(request, from, "4.01");
    else {
      this.#respond(request, from, "2.04");
      this.#gateway.receive(packet.payload);
    }
  }

  #fetch(request: ReceivedDatagram, from: RemoteInfo, observe: Buffer | undefined): void {
    if (observe?.length !== 0) {
      this.#observer = undefined;
      this.#respond(request, from, "2.05");
    } else if (request.queries.join() !== `u=lamp.3,p=${this.#password}`)
      this.#respond(request, from, "4.01");
    else {
      this.#observer = { token: request.token, to: from };
      const echo = this.echo ? [{ name: 252, value: this.echo }] : [];
      this.#greeting = (welcome) =>
        this.#respond(request, from, "2.05", welcome, [
          { name: "Observe", value: bytesOf(++this.#sequence) },
          ...echo,
        ]);
      this.#gateway.receive(request.payload);
    }
  }

  #send(message: Uint8Array): void {
    const greeting = this.#greeting;
    this.#greeting = undefined;
    if (greeting) greeting(message);
    else this.notify(message);
  }

  #respond(
    { confirmable, messageId, token }: ReceivedDatagram,
    to: RemoteInfo,
    code: string,
    payload: Uint8Array = new Uint8Array(0),
    options: { name: number | string; value: Buffer }[] = [],
  ): void {
    const ids = confirmable ? { ack: true, messageId } : { messageId: this.#nextId() };
    this.#write({ code, token, payload: Buffer.from(payload), options, ...ids }, to);
  }

  #notify(code: string, payload?: Uint8Array, sequence?: number, options = {}): number {
    const messageId = this.#nextId();
    if (!this.#observer) return messageId;
    const { token, to } = this.#observer;
    const observe = sequence === undefined ? [] : [{ name: "Observe", value: bytesOf(sequence) }];
    const packet = {
      code,
      token,
      messageId,
      options: observe,
      payload: Buffer.from(payload ?? []),
      ...options,
    };
    this.#write(packet, to);
    return messageId;
  }

  #write(packet: Parameters<typeof generate>[0], { port, address }: RemoteInfo): void {
    this.#socket.send(generate(packet), port, address);
  }

  #refusalOptions(): { name: number | string; value: Buffer }[] {
    const { maxAgeS, refusalEcho } = this;
    return [
      ...(maxAgeS === undefined ? [] : [{ name: "Max-Age", value: bytesOf(maxAgeS) }]),
      ...(refusalEcho ? [{ name: 252, value: refusalEcho }] : []),
    ];
  }

  #nextId(): number {
    return (this.#messageId = (this.#messageId + 1) & 0xffff);
  }
}

/** An unsigned integer in as few bytes as possible (RFC 7252 §3.2). */
function bytesOf(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes);
}
