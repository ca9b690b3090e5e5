import type { CarrierName } from "@motelet/profiles";

/** The proved identity of a peer: a wire id with a credential, or the port to which it is wired. */
export type ProvenIdentity =
  | { readonly kind: "wire-id"; readonly wireId: string; readonly generation: number }
  | { readonly kind: "port"; readonly port: string };

/**
 * An open path for messages to one peer. It declares its physical limits. The session above handles loss, so `send` may
 * drop messages, but never blocks and never throws.
 */
export interface Channel {
  readonly carrier: CarrierName;
  /** Address or port, for people and log lines. */
  readonly peer: string;
  /**
   * `peer` without the part that differs at each connection, such as a TCP port: it does not change as long as the peer
   * stays at its place.
   */
  readonly peerAddress: string;
  readonly identity: ProvenIdentity;
  /** Largest message that the carrier accepts. */
  readonly maxMessageBytes: number;
  /** Retransmission time-out that suits the carrier (SPEC §8), milliseconds. */
  readonly rtoMs: number;
  /** Whether a beat is answered by an ack, because the carrier has no keep-alive of its own (SPEC §5.4). */
  readonly acksBeats: boolean;
  /**
   * Whether the gateway must demand a hello, because the peer sends none by itself when the channel opens (SPEC §5.3).
   */
  readonly demandsHello: boolean;
  /**
   * Queues one encoded message. False: dropped, because the buffer is full or the channel is closed (the transport
   * counts it).
   */
  send(message: Uint8Array): boolean;
  /**
   * The last message made progress on a stream that the gateway opened: it does not count against the rate of
   * unsolicited messages, because the stream's window bounds it. Only on carriers that limit such a rate.
   */
  refundRateToken?(): void;
  /**
   * Bytes for the device's console; only on carriers that have one (serial). False: nothing was accepted, because there
   * is no space now.
   */
  writeConsole?(bytes: Uint8Array): boolean;
  /** Closes the path; `closed` is called once afterwards. */
  close(reason: string): void;
}

/** Events of a channel for its owner. Calls arrive in order, on the event loop, and must not throw. */
export interface ChannelEvents {
  /** One undecoded message; the bytes belong to the receiver. */
  message(bytes: Uint8Array): void;
  /** Console text outside frames. */
  console(bytes: Uint8Array): void;
  /** The path is closed; no event follows. */
  closed(reason: string): void;
}

/** Transports pass opened channels to it. */
export interface ChannelAcceptor {
  opened(channel: Channel): ChannelEvents;
}
