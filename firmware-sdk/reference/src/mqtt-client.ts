import { Socket } from "node:net";
import { defaults, downlinkTopic, type MessageKind, uplinkTopic, userName } from "@motelet/profiles";
import mqtt, { type MqttClient } from "mqtt";
import type { DeviceLink, LinkEvents } from "./link.ts";

export interface MqttLinkOptions {
  /** e.g. `mqtt://127.0.0.1:1883` */
  readonly url: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
  /** From 0 to 1, for the jitter of reconnects. */
  readonly random?: () => number;
}

/** A connection that has no SUBACK after this is given up; npm mqtt can hang in between for ever. */
const openTimeoutMs = 5_000;
/** Reconnects after 250, 500, 1000, 1500, 1500 … milliseconds, each times 0.7 to 1. */
const firstBackoffMs = 250;
const longestBackoffMs = 1_500;
const keepaliveS = 30;
/** Bytes that may wait for a slow broker before messages are dropped. */
const sendBufferBytes = 256 * 1024;

/**
 * The MQTT 3.1.1 binding (SPEC §10.1): subscribe, wait for the SUBACK, then the link is open. Each connection is a
 * client of its own, so that one that hangs can be thrown away. A beat takes a PINGREQ along: its PINGRESP is what
 * proves the gateway's life to the device.
 */
export class MqttLink implements DeviceLink {
  readonly carrier = "mqtt";
  readonly rtoMs = defaults.rtoMs;
  readonly #options: MqttLinkOptions;
  #events: LinkEvents | undefined;
  #client: MqttClient | undefined;
  #open = false;
  #stopped = false;
  #backoffMs = firstBackoffMs;
  #retry: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    this.#connect();
  }

  send(message: Uint8Array, kind: MessageKind): boolean {
    const client = this.#client;
    if (!client || !this.#open || client.stream.writableLength > sendBufferBytes) return false;
    client.publish(
      uplinkTopic(this.#options.wireId),
      Buffer.from(message.buffer, message.byteOffset, message.length),
    );
    if (kind === "beat") client.sendPing();
    return true;
  }

  reset(): void {
    this.#lose("reset", 0);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    const client = this.#client;
    this.#client = undefined;
    this.#open = false;
    if (client) await endOf(client);
  }

  #connect(): void {
    const { url, wireId, generation, password } = this.#options;
    const client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId: wireId,
      username: userName(wireId, generation),
      password,
      clean: true,
      keepalive: keepaliveS,
      timerVariant: "native",
      reconnectPeriod: 0,
      connectTimeout: openTimeoutMs,
      queueQoSZero: false,
      reschedulePings: false,
    });
    this.#client = client;
    const current = () => this.#client === client;
    client.on("connect", () => {
      if (current()) this.#subscribe(client);
    });
    client.on("message", (_topic, payload) => {
      if (current() && this.#open) this.#events?.message(payload);
    });
    client.on("packetreceive", (packet) => {
      if (current() && packet.cmd === "pingresp") this.#events?.heard();
    });
    client.on("error", (error) => {
      if (current()) this.#lose(reasonOf(error));
    });
    client.on("close", () => {
      if (current()) this.#lose("connection closed");
    });
    this.#watchdog = setTimeout(() => {
      if (current() && !this.#open) this.#lose("no SUBACK in time");
    }, openTimeoutMs);
  }

  #subscribe(client: MqttClient): void {
    // Nagle's algorithm and delayed acks would cost 40 ms for each window of a stream.
    if (client.stream instanceof Socket) client.stream.setNoDelay(true);
    client.subscribe(downlinkTopic(this.#options.wireId), { qos: 0 }, (error, granted) => {
      if (this.#client !== client) return;
      if (error || granted?.[0]?.qos === 128) {
        this.#lose(error?.message ?? "subscription refused");
        return;
      }
      clearTimeout(this.#watchdog);
      this.#open = true;
      this.#backoffMs = firstBackoffMs;
      this.#events?.opened();
    });
  }

  /** Throws the connection away and tries again after the back-off. */
  #lose(reason: string, afterMs?: number): void {
    const client = this.#client;
    this.#client = undefined;
    this.#open = false;
    clearTimeout(this.#watchdog);
    // The client stays deaf but not mute: an error event without a listener would end the process.
    client?.end(true);
    this.#events?.closed(reason);
    if (this.#stopped) return;
    const jitter = 0.7 + 0.3 * (this.#options.random ?? Math.random)();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), afterMs ?? this.#backoffMs * jitter);
    this.#backoffMs = Math.min(this.#backoffMs * 2, longestBackoffMs);
  }
}

/** An AggregateError (all addresses of a name refused) has a code and no message. */
function reasonOf(error: Error): string {
  return error.message || ("code" in error ? String(error.code) : error.name);
}

/** Ends a client in good order, or by force after a second. */
function endOf(client: MqttClient): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => {
      client.end(true);
      resolve();
    }, 1_000);
    client.end(false, {}, () => {
      clearTimeout(force);
      resolve();
    });
  });
}
