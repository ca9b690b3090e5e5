import { defaults, type MessageKind } from "@motelet/profiles";
import type { DeviceLink, LinkEvents, LinkTraffic } from "./link.ts";
import type { MqttConnection, MqttConnectionOptions } from "./mqtt-connection.ts";
import { LibraryConnection } from "./mqtt-library.ts";
import { PacketConnection } from "./mqtt-packets.ts";
import { type ConnectionEnd, Reconnect } from "./reconnect.ts";

export interface MqttLinkOptions extends MqttConnectionOptions {
  /** From 0 to 1, for the jitter of reconnects. */
  readonly random?: () => number;
  /**
   * Uses a client with half the memory and several times the speed, which can also simulate a device that hangs.
   * Default: npm mqtt, with which most firmware authors test.
   */
  readonly compact?: boolean;
}

/**
 * A connection without SUBACK after this time is given up: npm mqtt can hang in between indefinitely. A gateway to which a
 * whole fleet connects at once serves them in order, and a device that gives up too early starts again at the end of the queue.
 */
const openTimeoutMs = 30_000;

/**
 * The MQTT 3.1.1 binding (SPEC §10.1): subscribe, wait for the SUBACK, then the link is open. Each connection has its
 * own client, so that one that hangs can be dropped. A PINGREQ is sent with each beat; its PINGRESP proves to the
 * device that the gateway is alive.
 */
export class MqttLink implements DeviceLink {
  readonly carrier = "mqtt";
  readonly rtoMs = defaults.rtoMs;
  readonly #options: MqttLinkOptions;
  readonly #traffic: LinkTraffic = { opens: 0, messagesOut: 0, messagesIn: 0, bytesOut: 0, bytesIn: 0 };
  #events: LinkEvents | undefined;
  #connection: MqttConnection | undefined;
  #open = false;
  #stopped = false;
  #held = false;
  #reconnect = new Reconnect();
  /** Of the next connection, or of the open one's SUBACK: never both. */
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
  }

  get traffic(): LinkTraffic {
    const { bytesOut = 0, bytesIn = 0 } = this.#connection ?? {};
    const past = this.#traffic;
    return { ...past, bytesOut: past.bytesOut + bytesOut, bytesIn: past.bytesIn + bytesIn };
  }

  /** @throws OptionError if the URL is invalid */
  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    this.#connect();
  }

  send(message: Uint8Array, kind: MessageKind): boolean {
    const connection = this.#connection;
    if (!connection || !this.#open || !connection.publish(message)) return false;
    this.#traffic.messagesOut++;
    if (kind === "beat") connection.ping();
    return true;
  }

  reset(): void {
    // What a board knew of its connections is gone, too.
    this.#reconnect = new Reconnect();
    this.#lose("reset", 0);
  }

  hold(held: boolean): void {
    this.#held = held;
    if (this.#stopped) return;
    if (this.#connection) this.#connection.hold?.(held);
    else if (held) clearTimeout(this.#timer);
    else this.#connect();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#open = false;
    await this.#forget()?.end();
  }

  #connect(): void {
    const Connection = this.#options.compact ? PacketConnection : LibraryConnection;
    const connection: MqttConnection = new Connection(this.#options, {
      opened: () => {
        clearTimeout(this.#timer);
        this.#open = true;
        this.#traffic.opens++;
        this.#reconnect.opened(performance.now());
        this.#events?.opened();
      },
      message: (payload) => {
        if (!this.#open) return;
        this.#traffic.messagesIn++;
        this.#events?.message(payload);
      },
      heard: () => this.#events?.heard(),
      lost: (reason, refused = false) => {
        if (this.#connection !== connection) return;
        this.#loseAndRetry(reason, this.#open ? "cut" : refused ? "refused" : "failed");
      },
    });
    this.#connection = connection;
    this.#timer = setTimeout(() => this.#loseAndRetry("no SUBACK in time", "failed"), openTimeoutMs);
  }

  #loseAndRetry(reason: string, how: ConnectionEnd): void {
    const jitter = 0.7 + 0.3 * (this.#options.random ?? Math.random)();
    this.#lose(reason, this.#reconnect.ended(how, performance.now()) * jitter);
  }

  /** Throws the connection away and connects again later. */
  #lose(reason: string, afterMs: number): void {
    this.#open = false;
    clearTimeout(this.#timer);
    this.#forget()?.drop();
    this.#events?.closed(reason);
    if (this.#stopped || this.#held) return;
    this.#timer = setTimeout(() => this.#connect(), afterMs);
  }

  #forget(): MqttConnection | undefined {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#traffic.bytesOut += connection?.bytesOut ?? 0;
    this.#traffic.bytesIn += connection?.bytesIn ?? 0;
    return connection;
  }
}
