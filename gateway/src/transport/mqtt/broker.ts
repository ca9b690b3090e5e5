import { Aedes, type AuthenticateError, type Client } from "aedes";
import { writeToStream } from "mqtt-packet";
import type { ConnectRequest } from "./access.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { noRouting } from "./no-routing.ts";
import type { PacketGuard } from "./packet-guard.ts";

// 65,536 buffers of two bytes, made at the first packet: 8 MB to save an allocation in what a broker rarely writes.
writeToStream.cacheNumbers = false;

/** Return codes of CONNACK (MQTT 3.1.1 §3.2.2.3). */
export type ConnackCode = 2 | 3 | 4 | 5;

/** A PUBLISH as the broker parsed it; the payload is valid only during the call. */
export interface IncomingPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  readonly qos: number;
}

export type BrokerFault = "protocol" | "stalled" | "lost";

/** The broker's calls about one client. They must not throw. */
export interface BrokerClient {
  /** @returns the code of the refusal; undefined admits the client */
  connect(request: ConnectRequest, password: Uint8Array): ConnackCode | undefined;
  /** @returns false to end the connection */
  mayPublish(packet: IncomingPublish): boolean;
  published(payload: Uint8Array): void;
  /** @returns false to answer with the failure code */
  maySubscribe(filter: string): boolean;
  /** The SUBACK is being sent; the filters are the requested ones. */
  subscribed(filters: readonly string[]): void;
  unsubscribed(filters: readonly string[]): void;
  /** The connection ends: the peer broke the protocol, does not read its messages, or has disconnected. */
  failed(fault: BrokerFault, error: Error): void;
}

/**
 * The MQTT 3.1.1 broker: aedes, used only for the protocol with each client, never for routing between clients.
 * Messages of the gateway to a device bypass it, so one stalled device delays no other.
 */
export class Broker implements AsyncDisposable {
  readonly #limits: MqttLimits;
  readonly #clients = new WeakMap<Client, BrokerClient>();
  readonly #requests = new WeakMap<Client, ConnectRequest>();
  #aedes: Aedes | undefined;

  constructor(limits: MqttLimits) {
    this.#limits = limits;
  }

  async start(): Promise<void> {
    const aedes = await Aedes.createBroker({
      // To search each uplink's subscribers took a fifth of the whole time of a beat.
      mq: noRouting,
      drainTimeout: this.#limits.drainTimeoutMs,
      // The guard's deadline is the one that counts; this one only backs it up.
      connectTimeout: 2 * this.#limits.connectDeadlineMs,
      preConnect: (client, packet, done) => {
        this.#requests.set(client, {
          clientId: packet.clientId,
          userName: packet.username,
          cleanSession: packet.clean === true,
          hasWill: packet.will !== undefined,
        });
        done(null, true);
      },
      authenticate: (client, _userName, password, done) => {
        const request = this.#requests.get(client);
        this.#requests.delete(client);
        const code = request ? this.#of(client)?.connect(request, password ?? new Uint8Array()) : 3;
        if (code === undefined) done(null, true);
        else done(Object.assign(new Error("refused"), { returnCode: code }) as AuthenticateError, false);
      },
      authorizePublish: (client, packet, done) => {
        const allowed = client && this.#of(client)?.mayPublish(incoming(packet));
        done(allowed ? null : new Error("publish refused"));
      },
      authorizeSubscribe: (client, subscription, done) => {
        done(null, this.#of(client)?.maySubscribe(subscription.topic) ? subscription : null);
      },
      // Nothing is forwarded from client to client, not even what aedes keeps.
      authorizeForward: () => null,
      published: (packet, client, done) => {
        if (client) this.#of(client)?.published(incoming(packet).payload);
        done(null);
      },
    });
    this.#aedes = aedes;
    aedes.on("subscribe", (subscriptions, client) => {
      this.#of(client)?.subscribed(subscriptions.map(({ topic }) => topic));
    });
    aedes.on("unsubscribe", (filters, client) => this.#of(client)?.unsubscribed(filters));
    aedes.on("clientError", (client, error) => this.#of(client)?.failed(faultOf(error), error));
    aedes.on("connectionError", (client, error) => this.#of(client)?.failed(faultOf(error), error));
  }

  /** Serves MQTT on this stream until it ends. The broker must be started. */
  handle(guard: PacketGuard, client: BrokerClient): void {
    if (!this.#aedes) return;
    this.#clients.set(this.#aedes.handle(guard), client);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const aedes = this.#aedes;
    this.#aedes = undefined;
    if (aedes) await new Promise<void>((resolve) => aedes.close(() => resolve()));
  }

  #of(client: Client): BrokerClient | undefined {
    return this.#clients.get(client);
  }
}

/** What aedes says where nobody broke the protocol; it gives no codes. */
const lostMessages = ["keep alive timeout", "connection closed"];

function faultOf(error: Error & { readonly code?: string }): BrokerFault {
  if (error.message === "drain timeout") return "stalled";
  // A code means that the system or the stream speaks (ECONNRESET, EPIPE, ERR_STREAM_DESTROYED …).
  return error.code !== undefined || lostMessages.includes(error.message) ? "lost" : "protocol";
}

function incoming(packet: {
  topic: string;
  payload: string | Buffer;
  retain: boolean;
  qos: number;
}): IncomingPublish {
  const { topic, payload, retain, qos } = packet;
  return { topic, payload: typeof payload === "string" ? Buffer.from(payload) : payload, retain, qos };
}
