import { limits } from "@motelet/profiles";

/** Bounds of the MQTT transport. */
export interface MqttLimits {
  /** Largest remaining length of a packet, bytes: a message of 1,024 with its topic, or any valid CONNECT. */
  readonly packetBytes: number;
  /** Open sockets, authenticated or not, over all listeners. */
  readonly connections: number;
  /**
   * Open sockets whose device is not known yet: waiting for the TLS handshake, in it, or before CONNECT. OpenSSL uses
   * up to 130 KiB for each.
   */
  readonly pendingConnections: number;
  /** Time that a pending socket keeps its place when new sockets need it, milliseconds. */
  readonly pendingGraceMs: number;
  /**
   * Time for the ClientHello, and then, from its turn on, for the TLS handshake, milliseconds: an elliptic curve takes
   * seconds on a small device.
   */
  readonly handshakeDeadlineMs: number;
  /**
   * TLS handshakes at the same time, over all listeners; the others wait. Enough that slow networks do not leave the
   * gateway idle.
   */
  readonly handshakePlaces: number;
  /** Maximum time that a handshake makes others wait, milliseconds; it continues afterwards. */
  readonly handshakePlaceMs: number;
  /** Time that a peer may wait until its handshake begins, milliseconds. */
  readonly handshakeWaitMs: number;
  /** How often certificate files are read again, milliseconds. */
  readonly certificateReloadMs: number;
  /** Time from the socket's opening (with TLS: the end of the handshake) to an admitted CONNECT, milliseconds. */
  readonly connectDeadlineMs: number;
  /**
   * Size of a burst of packets, and the time after which one more is allowed: above it the socket is read more slowly.
   * Packets that make progress on a stream do not count: the stream's window bounds them (10 MB in each direction would
   * take 20 s).
   */
  readonly packetBurst: number;
  readonly packetRefillMs: number;
  /** Bytes that wait for a slow device; a message beyond them is dropped. */
  readonly downlinkBufferBytes: number;
  /** Time that a device may leave the broker's replies unread before it is disconnected, milliseconds. */
  readonly drainTimeoutMs: number;
  /** How often newer connections of one wire id may end older ones in a burst, and the time after which one more is allowed. */
  readonly takeOverBurst: number;
  readonly takeOverRefillMs: number;
  /** After this silence a connection may always be ended by a newer one, milliseconds. */
  readonly takeOverSilentMs: number;
  /** Time to send queued messages when a channel is closed in order, milliseconds. */
  readonly closeTimeoutMs: number;
}

export const defaultMqttLimits: MqttLimits = {
  packetBytes: 2 * limits.messageBytes,
  connections: 16_384,
  pendingConnections: 1_024,
  pendingGraceMs: 1_000,
  handshakeDeadlineMs: 10_000,
  handshakePlaces: 64,
  handshakePlaceMs: 1_000,
  handshakeWaitMs: 60_000,
  certificateReloadMs: 10_000,
  connectDeadlineMs: 5_000,
  packetBurst: 2_000,
  packetRefillMs: 1,
  downlinkBufferBytes: 64 * 1024,
  drainTimeoutMs: 10_000,
  takeOverBurst: 6,
  takeOverRefillMs: 15_000,
  takeOverSilentMs: 15_000,
  closeTimeoutMs: 1_000,
};
