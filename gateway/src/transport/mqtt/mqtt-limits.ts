import { limits } from "@motelet/profiles";

/** Bounds of the MQTT transport. */
export interface MqttLimits {
  /** Largest remaining length of a packet, bytes: a message of 1,024 with its topic, and any CONNECT we could admit. */
  readonly packetBytes: number;
  /** Open sockets, authenticated or not. */
  readonly connections: number;
  /** Time from the socket's opening to an admitted CONNECT, milliseconds. */
  readonly connectDeadlineMs: number;
  /** Packets at once, and the time after which one more is free: beyond it the socket is read more slowly. */
  readonly packetBurst: number;
  readonly packetRefillMs: number;
  /** Bytes that wait for a slow device; a message beyond them is dropped. */
  readonly downlinkBufferBytes: number;
  /** Time that a device may leave the broker's own answers unread before it is disconnected, milliseconds. */
  readonly drainTimeoutMs: number;
  /** Time for what is queued to leave when a channel is closed in order, milliseconds. */
  readonly closeTimeoutMs: number;
}

export const defaultMqttLimits: MqttLimits = {
  packetBytes: 2 * limits.messageBytes,
  connections: 16_384,
  connectDeadlineMs: 5_000,
  packetBurst: 2_000,
  packetRefillMs: 1,
  downlinkBufferBytes: 64 * 1024,
  drainTimeoutMs: 10_000,
  closeTimeoutMs: 1_000,
};
