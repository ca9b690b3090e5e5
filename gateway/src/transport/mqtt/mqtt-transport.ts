import { defaults } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Transport, TransportContext } from "../carrier.ts";
import type { Authenticator } from "../directory.ts";
import { Broker } from "./broker.ts";
import { HandshakeQueue } from "./handshake-queue.ts";
import { type AcceptedSocket, Listener } from "./listener.ts";
import { type ConnectionSurroundings, MqttConnection } from "./mqtt-connection.ts";
import { defaultMqttLimits, type MqttLimits } from "./mqtt-limits.ts";
import { MqttMeters } from "./mqtt-meters.ts";
import { PacketGuard } from "./packet-guard.ts";
import { Refusals } from "./refusals.ts";
import type { MqttListenerOptions } from "./security.ts";
import { SocketTable } from "./socket-table.ts";
import { TakeOvers } from "./take-overs.ts";

export interface MqttTransportOptions extends Omit<TransportContext, "wantedLinks"> {
  readonly listeners: readonly MqttListenerOptions[];
  /** Retransmission time-out of the channels, milliseconds. */
  readonly rtoMs?: number;
  readonly limits?: Partial<MqttLimits>;
}

/**
 * Devices over MQTT 3.1.1 (SPEC §10.1): listeners, one guard per socket, one broker. A device proves its wire id as the
 * listener demands: by password, pre-shared key or certificate. Then it may use only its own two topics. A channel
 * opens when the device has subscribed to its downlink, and closes with the connection.
 */
export class MqttTransport implements Transport {
  readonly #listeners: readonly Listener[];
  readonly #table: SocketTable;
  readonly #broker: Broker;
  readonly #authenticator: Authenticator;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #limits: MqttLimits;
  readonly #meters: MqttMeters;
  readonly #refusals: Refusals;
  readonly #takeOvers: TakeOvers;
  readonly #shared: ConnectionSurroundings;
  readonly #connections = new Set<MqttConnection>();
  readonly #byWireId = new Map<string, MqttConnection>();
  #endRevocations: (() => void) | undefined;

  /** @throws ConfigError if a plain listener would not be on loopback without `insecure` */
  constructor(options: MqttTransportOptions) {
    this.#limits = { ...defaultMqttLimits, ...options.limits };
    this.#authenticator = options.authenticator;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#meters = new MqttMeters(options.metrics);
    this.#refusals = new Refusals(options);
    this.#takeOvers = new TakeOvers(this.#limits, options.clock);
    this.#broker = new Broker(this.#limits);
    this.#table = new SocketTable({
      limits: this.#limits,
      clock: options.clock,
      meters: this.#meters,
      refused: (reason, peer) => this.#refusals.add(reason, { peer }),
    });
    const queue = new HandshakeQueue({
      limits: this.#limits,
      clock: options.clock,
      waiting: (count) => this.#meters.waitingHandshakes(count),
    });
    this.#listeners = options.listeners.map(
      (listener) =>
        new Listener(listener, {
          table: this.#table,
          authenticator: options.authenticator,
          clock: options.clock,
          queue,
          limits: this.#limits,
          events: {
            accepted: (socket) => this.#accept(socket),
            refused: (reason, fields) => this.#refusals.add(reason, fields, [fields.userName]),
            reloaded: (error) => this.#reloaded(listener, error),
          },
        }),
    );
    this.#shared = {
      authenticator: options.authenticator,
      acceptor: options.acceptor,
      refusals: this.#refusals,
      meters: this.#meters,
      rtoMs: options.rtoMs ?? defaults.rtoMs,
      downlinkBufferBytes: this.#limits.downlinkBufferBytes,
      mayTakeOver: (wireId) => {
        const before = this.#byWireId.get(wireId);
        return !before || before.ended || this.#takeOvers.allow(wireId, before.heardMs);
      },
      admitted: (connection, wireId) => {
        // [MQTT-3.1.4-2], but only now: the new one has proved who it is.
        const before = this.#byWireId.get(wireId);
        if (before) this.#meters.takenOver();
        before?.end("taken over");
        this.#byWireId.set(wireId, connection);
      },
    };
  }

  /**
   * Resolves when devices can connect.
   * @returns the ports, in the order of the listeners; `port` is the first
   * @throws ConfigError MQTT_LISTEN, FILE_READ or MQTT_CERTIFICATE
   */
  async start(): Promise<{ port: number; ports: readonly number[] }> {
    await this.#broker.start();
    this.#endRevocations = this.#authenticator.onRevoked((wireId) => this.#revoke(wireId));
    const ports: number[] = [];
    for (const listener of this.#listeners) ports.push((await listener.start()).port);
    this.#log.info({ ports }, "mqtt listeners started");
    return { port: ports[0] ?? 0, ports };
  }

  /** For readiness: the reason of the first listener that does not work. */
  unhealthyReason(): string | undefined {
    return this.#listeners.map((listener) => listener.unhealthyReason()).find((reason) => reason);
  }

  /** Accepts no more connections, closes every channel and its connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endRevocations?.();
    for (const listener of this.#listeners) listener.stop();
    for (const connection of [...this.#connections]) connection.end("gateway stops");
    await this.#broker[Symbol.asyncDispose]();
    this.#table.destroyAll();
    await Promise.all(this.#listeners.map((listener) => listener[Symbol.asyncDispose]()));
  }

  /** Those that have proved it in the handshake and have not said CONNECT yet go, too. */
  #revoke(wireId: string): void {
    for (const connection of this.#connections) {
      if (connection.wireId === wireId || connection.proven?.wireId === wireId) connection.end("revoked");
    }
  }

  #reloaded({ host, port }: MqttListenerOptions, error: Error | undefined): void {
    this.#meters.reloaded(error ? "failed" : "used");
    const fields = { host, port };
    if (error) this.#log.error({ ...fields, err: messageOf(error) }, "mqtt certificate not usable");
    else this.#log.info(fields, "mqtt certificate reloaded");
  }

  #accept(socket: AcceptedSocket): void {
    const { peer } = socket;
    const guard = new PacketGuard(socket.stream, {
      limits: this.#limits,
      clock: this.#clock,
      events: {
        refused: (reason) => {
          const wireId = connection.wireId ?? connection.proven?.wireId;
          this.#refusals.add(reason, { peer, wireId }, [wireId]);
        },
        throttled: () => this.#meters.throttled(),
      },
    });
    const connection = new MqttConnection(guard, socket, this.#shared);
    this.#connections.add(connection);
    guard.once("close", () => this.#forget(connection));
    this.#broker.handle(guard, connection);
  }

  #forget(connection: MqttConnection): void {
    this.#connections.delete(connection);
    const { wireId } = connection;
    if (wireId === undefined || this.#byWireId.get(wireId) !== connection) return;
    this.#byWireId.delete(wireId);
    this.#takeOvers.forget(wireId);
  }
}
