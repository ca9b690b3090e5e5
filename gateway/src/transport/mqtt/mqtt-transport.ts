import type { Duplex } from "node:stream";
import { defaults } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { ChannelAcceptor } from "../channel.ts";
import type { Authenticator } from "../directory.ts";
import { Broker } from "./broker.ts";
import { Listener } from "./listener.ts";
import { type ConnectionSurroundings, MqttConnection } from "./mqtt-connection.ts";
import { defaultMqttLimits, type MqttLimits } from "./mqtt-limits.ts";
import { MqttMeters } from "./mqtt-meters.ts";
import { PacketGuard } from "./packet-guard.ts";
import { Refusals } from "./refusals.ts";

/**
 * Devices over MQTT 3.1.1 (SPEC §10.1): a listener, a guard a socket, one broker. A device proves its wire id by its
 * password; then it may say what it likes on its own two topics and nothing else. A channel opens when it has
 * subscribed to its downlink, and closes with its connection.
 */
export class MqttTransport implements AsyncDisposable {
  readonly #listener: Listener;
  readonly #broker: Broker;
  readonly #authenticator: Authenticator;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: MqttLimits;
  readonly #meters: MqttMeters;
  readonly #refusals: Refusals;
  readonly #shared: ConnectionSurroundings;
  readonly #connections = new Set<MqttConnection>();
  readonly #byWireId = new Map<string, MqttConnection>();
  #endRevocations: (() => void) | undefined;

  /** @throws ConfigError where a plain listener would leave the loopback without `insecure` */
  constructor(options: {
    host: string;
    /** 0 takes a free one. */
    port: number;
    /** Passwords may cross the network in clear text. */
    insecure: boolean;
    authenticator: Authenticator;
    acceptor: ChannelAcceptor;
    log: Logger;
    metrics: Metrics;
    clock: Clock;
    /** Retransmission time-out of the channels, milliseconds. */
    rtoMs?: number;
    limits?: Partial<MqttLimits>;
  }) {
    this.#limits = { ...defaultMqttLimits, ...options.limits };
    this.#authenticator = options.authenticator;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#meters = new MqttMeters(options.metrics);
    this.#refusals = new Refusals(options);
    this.#broker = new Broker(this.#limits);
    this.#listener = new Listener({
      host: options.host,
      port: options.port,
      insecure: options.insecure,
      maxConnections: this.#limits.connections,
      events: {
        accepted: (socket, peer) => this.#accept(socket, peer),
        refused: (reason, peer) => this.#refusals.add(reason, { peer }),
      },
    });
    this.#shared = {
      authenticator: options.authenticator,
      acceptor: options.acceptor,
      refusals: this.#refusals,
      meters: this.#meters,
      rtoMs: options.rtoMs ?? defaults.rtoMs,
      downlinkBufferBytes: this.#limits.downlinkBufferBytes,
      admitted: (connection, wireId) => {
        // [MQTT-3.1.4-2], but only now: the password of the new one is right.
        this.#byWireId.get(wireId)?.end("taken over");
        this.#byWireId.set(wireId, connection);
      },
    };
  }

  /**
   * Resolves when devices can connect.
   * @throws ConfigError MQTT_LISTEN
   */
  async start(): Promise<{ port: number }> {
    await this.#broker.start();
    this.#endRevocations = this.#authenticator.onRevoked((wireId) =>
      this.#byWireId.get(wireId)?.end("revoked"),
    );
    const { port } = await this.#listener.start();
    this.#log.info({ port }, "mqtt listener started");
    return { port };
  }

  /** Takes no more connections, closes every channel and its connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endRevocations?.();
    this.#listener.stop();
    for (const connection of [...this.#connections]) connection.end("gateway stops");
    await this.#broker[Symbol.asyncDispose]();
    await this.#listener[Symbol.asyncDispose]();
  }

  #accept(socket: Duplex, peer: string): void {
    const guard = new PacketGuard(socket, {
      limits: this.#limits,
      clock: this.#clock,
      events: {
        refused: (reason) => this.#refusals.add(reason, { peer, wireId: connection.wireId }),
        throttled: () => this.#meters.throttled(),
      },
    });
    const connection = new MqttConnection(guard, peer, this.#shared);
    this.#connections.add(connection);
    this.#meters.connections(this.#connections.size);
    guard.once("close", () => this.#forget(connection));
    this.#broker.handle(guard, connection);
  }

  #forget(connection: MqttConnection): void {
    this.#connections.delete(connection);
    this.#meters.connections(this.#connections.size);
    const { wireId } = connection;
    if (wireId !== undefined && this.#byWireId.get(wireId) === connection) this.#byWireId.delete(wireId);
  }
}
