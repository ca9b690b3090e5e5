import { Socket } from "node:net";
import { downlinkTopic, uplinkTopic, userName } from "@motelet/profiles";
import mqtt, { ErrorWithReasonCode, type MqttClient } from "mqtt";
import {
  endTimeoutMs,
  keepaliveS,
  type MqttConnection,
  type MqttConnectionEvents,
  type MqttConnectionOptions,
  sendBufferBytes,
} from "./mqtt-connection.ts";
import { reasonOf } from "./mqtt-packets.ts";

/**
 * One connection over npm mqtt, with which most firmware authors test. It needs about twice the memory of the other
 * client.
 */
export class LibraryConnection implements MqttConnection {
  readonly #client: MqttClient;
  readonly #events: MqttConnectionEvents;
  readonly #wireId: string;
  #ended = false;

  constructor(options: MqttConnectionOptions, events: MqttConnectionEvents) {
    const { url, wireId, generation, password, tls } = options;
    this.#wireId = wireId;
    this.#events = events;
    const client = mqtt.connect(url, {
      protocolVersion: 4,
      clientId: wireId,
      username: userName(wireId, generation),
      password,
      clean: true,
      keepalive: keepaliveS,
      timerVariant: "native",
      reconnectPeriod: 0,
      // The link has its own watchdog.
      connectTimeout: 60_000,
      queueQoSZero: false,
      reschedulePings: false,
      ...(tls as object),
    });
    this.#client = client;
    client.on("connect", () => this.#subscribe());
    client.on("message", (_topic, payload) => {
      if (!this.#ended) events.message(payload);
    });
    client.on("packetreceive", (packet) => {
      if (!this.#ended && packet.cmd === "pingresp") events.heard();
    });
    // The client stays deaf but not mute: an error event without a listener would end the process.
    client.on("error", (error) => this.#lose(reasonOf(error), error instanceof ErrorWithReasonCode));
    client.on("close", () => this.#lose("connection closed"));
  }

  get bytesOut(): number {
    return this.#socket?.bytesWritten ?? 0;
  }

  get bytesIn(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  publish(message: Uint8Array): boolean {
    if (this.#ended || this.#client.stream.writableLength > sendBufferBytes) return false;
    const payload = Buffer.from(message.buffer, message.byteOffset, message.length);
    this.#client.publish(uplinkTopic(this.#wireId), payload);
    return true;
  }

  ping(): void {
    if (!this.#ended) this.#client.sendPing();
  }

  drop(): void {
    this.#ended = true;
    this.#client.end(true);
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await new Promise<void>((resolve) => {
      const force = setTimeout(() => {
        this.#client.end(true);
        resolve();
      }, endTimeoutMs);
      this.#client.end(false, {}, () => {
        clearTimeout(force);
        resolve();
      });
    });
  }

  get #socket(): Socket | undefined {
    const { stream } = this.#client;
    return stream instanceof Socket ? stream : undefined;
  }

  #subscribe(): void {
    // Nagle's algorithm and delayed acks would cost 40 ms for each window of a stream.
    this.#socket?.setNoDelay(true);
    this.#client.subscribe(downlinkTopic(this.#wireId), { qos: 0 }, (error, granted) => {
      if (this.#ended) return;
      if (error || granted?.[0]?.qos === 128) this.#lose(error?.message ?? "subscription refused", true);
      else this.#events.opened();
    });
  }

  #lose(reason: string, refused = false): void {
    if (this.#ended) return;
    this.drop();
    this.#events.lost(reason, refused);
  }
}
