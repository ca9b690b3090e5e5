import type { ConnectionOptions } from "node:tls";

/** The address of a device's broker, and the credentials for it. */
export interface MqttConnectionOptions {
  /** `mqtt://127.0.0.1:1883`, or `mqtts://…` */
  readonly url: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
  /** For `mqtts:`, e.g. `{ ca }`. */
  readonly tls?: ConnectionOptions;
}

/** Events of a connection. None follows after `lost`, `drop` or `end`. */
export interface MqttConnectionEvents {
  /** The SUBACK has arrived: the link can be used. */
  opened(): void;
  message(payload: Uint8Array): void;
  /** A PINGRESP proved that the broker is alive. */
  heard(): void;
  /** @param refused the broker answered with a refusal */
  lost(reason: string, refused?: boolean): void;
}

/** One MQTT 3.1.1 connection from CONNECT to its end; it does not reconnect. */
export interface MqttConnection {
  /** Bytes over TCP, or inside TLS. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Publishes on the device's uplink. False: dropped, because too many bytes wait for a slow broker. */
  publish(message: Uint8Array): boolean;
  ping(): void;
  /** Simulates a device that hangs: it neither reads nor sends, not even keep-alives, on a connection that stays open. */
  hold?(held: boolean): void;
  /** Drops the connection without a message. */
  drop(): void;
  /** Sends DISCONNECT and closes, by force after a second. */
  end(): Promise<void>;
}

/** Seconds of silence after which the client pings the broker; the broker gives up after 1.5 times this. */
export const keepaliveS = 30;
/** Bytes that may wait for a slow broker; above it messages are dropped. */
export const sendBufferBytes = 256 * 1024;
/** Time that an orderly end may take, milliseconds. */
export const endTimeoutMs = 1_000;
