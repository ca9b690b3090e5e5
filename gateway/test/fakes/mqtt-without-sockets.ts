import { duplexPair } from "node:stream";
import { systemClock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import type { Channel, ProvenIdentity } from "../../src/transport/channel.ts";
import type { Authenticator } from "../../src/transport/directory.ts";
import { Broker } from "../../src/transport/mqtt/broker.ts";
import { type ConnectionSurroundings, MqttConnection } from "../../src/transport/mqtt/mqtt-connection.ts";
import { defaultMqttLimits } from "../../src/transport/mqtt/mqtt-limits.ts";
import { MqttMeters } from "../../src/transport/mqtt/mqtt-meters.ts";
import { PacketGuard } from "../../src/transport/mqtt/packet-guard.ts";
import { Refusals } from "../../src/transport/mqtt/refusals.ts";

const limits = { ...defaultMqttLimits, packetBurst: 100_000 };

/** Only lamp.1 with its password. */
const authenticator: Authenticator = {
  authenticate: ({ wireId, generation, password }) =>
    wireId === "lamp" && generation === 1 && Buffer.from(password).toString() === "secret-lamp"
      ? { admitted: true }
      : { admitted: false, reason: "wrong-password" },
  admit: () => ({ admitted: false, reason: "unknown-id" }),
  pskOf: () => undefined,
  refused: () => {},
  onRevoked: () => () => {},
};

/**
 * The gateway's guard, broker and connections as the transport puts them together, with lamp as the only device.
 * Fakes: streams in the place of sockets; no take-over between connections, no limit on their number.
 */
export class MqttWithoutSockets implements AsyncDisposable {
  readonly #broker = new Broker(limits);
  readonly #shared: ConnectionSurroundings;
  /** Channels that were ever opened, those that are open, and messages that came on them. */
  channels = 0;
  open = 0;
  messages = 0;
  /** Identities of channels that nobody should have got. */
  readonly strangers: ProvenIdentity[] = [];

  constructor() {
    const metrics = new Metrics();
    this.#shared = {
      authenticator,
      acceptor: { opened: (channel) => this.#opened(channel) },
      refusals: new Refusals({
        log: createLogger({ level: "silent" }),
        metrics,
        clock: systemClock,
        authenticator,
      }),
      meters: new MqttMeters(metrics),
      downlinkBufferBytes: limits.downlinkBufferBytes,
      rtoMs: 2_000,
      mayTakeOver: () => true,
      admitted: () => {},
    };
  }

  async start(): Promise<void> {
    await this.#broker.start();
  }

  /** Says these parts, one after the other has been answered, hangs up, and waits for the end. */
  async converse(parts: readonly Uint8Array[]): Promise<void> {
    const [device, socket] = duplexPair();
    const events = { refused: () => {}, throttled: () => {} };
    const guard = new PacketGuard(socket, { limits, clock: systemClock, events });
    const accepted = { stream: socket, peer: "fuzz", settle: () => {} };
    this.#broker.handle(guard, new MqttConnection(guard, accepted, this.#shared));
    const closed = new Promise<void>((resolve) => guard.once("close", () => resolve()));
    device.on("error", () => {}).resume();
    for (const part of parts) {
      if (device.destroyed || !device.writable) break;
      device.write(part);
      // The broker has answered CONNECT and SUBSCRIBE some turns later.
      for (let count = 0; count < 6; count++) await new Promise((resolve) => setImmediate(resolve));
    }
    device.destroy();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#broker[Symbol.asyncDispose]();
  }

  #opened(channel: Channel) {
    const { identity } = channel;
    if (identity.kind !== "wire-id" || identity.wireId !== "lamp" || identity.generation !== 1) {
      this.strangers.push(identity);
    }
    this.channels += 1;
    this.open += 1;
    return {
      message: () => {
        this.messages += 1;
      },
      console: () => {},
      closed: () => {
        this.open -= 1;
      },
    };
  }
}
