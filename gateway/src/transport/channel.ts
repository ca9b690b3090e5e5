import type { CarrierName } from "@motelet/profiles";

/** What a transport has proved about the peer: a wire id by a credential, or the port it is wired to. */
export type ProvenIdentity =
  | { readonly kind: "wire-id"; readonly wireId: string; readonly generation: number }
  | { readonly kind: "port"; readonly port: string };

/**
 * An open path for messages to one peer. It declares its physics; the session above copes with loss, so `send`
 * may drop, but never blocks and never throws.
 */
export interface Channel {
  readonly carrier: CarrierName;
  /** Address or port, for people and log lines. */
  readonly peer: string;
  /** `peer` without what differs at each connection, such as a TCP port: the same for as long as the peer stays where it is. */
  readonly peerAddress: string;
  readonly identity: ProvenIdentity;
  /** Largest message that the carrier takes. */
  readonly maxMessageBytes: number;
  /** Retransmission time-out that suits the carrier (SPEC §8), milliseconds. */
  readonly rtoMs: number;
  /** True where a beat is answered by an ack, because the carrier has no keep-alive of its own (SPEC §5.4). */
  readonly acksBeats: boolean;
  /** True if the peer does not say hello by itself when the channel opens, so that the gateway has to demand it (SPEC §5.3). */
  readonly demandsHello: boolean;
  /** Queues one encoded message. False: dropped, its buffer is full or it is closed (counted by the transport). */
  send(message: Uint8Array): boolean;
  /**
   * The last message moved a stream that the gateway opened, whose window and reader bound how many come: it does not count
   * against the rate of what the peer says unasked. Only on carriers that bound such a rate.
   */
  refundRateToken?(): void;
  /** Bytes for the device's console; only on carriers that have one (serial). False: nothing was taken, there is no room now. */
  writeConsole?(bytes: Uint8Array): boolean;
  /** Ends the path; `closed` follows once. */
  close(reason: string): void;
}

/** What a channel tells its owner. Calls come in order, on the event loop, and must not throw. */
export interface ChannelEvents {
  /** One undecoded message; the bytes belong to the receiver. */
  message(bytes: Uint8Array): void;
  /** Console text that came outside frames. */
  console(bytes: Uint8Array): void;
  /** The path is gone; nothing follows. */
  closed(reason: string): void;
}

/** Where transports hand over what they opened. */
export interface ChannelAcceptor {
  opened(channel: Channel): ChannelEvents;
}
