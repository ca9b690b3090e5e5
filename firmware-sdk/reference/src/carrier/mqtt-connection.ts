import type { ConnectionOptions } from "node:tls";

/** Where a device finds its broker, and what it shows there. */
export interface MqttConnectionOptions {
  /** `mqtt://127.0.0.1:1883`, or `mqtts://…` */
  readonly url: string;
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
  /** For `mqtts:`, e.g. `{ ca }`. */
  readonly tls?: ConnectionOptions;
}

/** What a connection tells. Nothing comes after `lost`, `drop` or `end`. */
export interface MqttConnectionEvents {
  /** Subscribed: the SUBACK is in. */
  opened(): void;
  message(payload: Uint8Array): void;
  /** A PINGRESP proved that the broker lives. */
  heard(): void;
  /** @param refused the broker answered, and said no */
  lost(reason: string, refused?: boolean): void;
}

/** One MQTT 3.1.1 connection from CONNECT to its end; it does not come back. */
export interface MqttConnection {
  /** Bytes over TCP, or inside TLS. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  /** Publishes on the device's uplink. False: too much waits for a slow broker. */
  publish(message: Uint8Array): boolean;
  ping(): void;
  /** A device that hangs: neither reads nor says anything, keep-alives included, on a connection that stays open. */
  hold?(held: boolean): void;
  /** Throws it away without a word. */
  drop(): void;
  /** Says DISCONNECT and closes, by force after a second. */
  end(): Promise<void>;
}

/** Seconds of silence after which the broker is pinged; the broker gives up after one and a half of them. */
export const keepaliveS = 30;
/** Bytes that may wait for a slow broker before messages are dropped. */
export const sendBufferBytes = 256 * 1024;
/** Time that an orderly end may take, milliseconds. */
export const endTimeoutMs = 1_000;
