import { limits } from "@motelet/profiles";

/** Bounds of the CoAP transport. */
export interface CoapLimits {
  /** Longest datagram, bytes: a message of 1,024 with the options and the protection of CoAP (RFC 7252 §4.6). */
  readonly datagramBytes: number;
  /** Peers without a device or an observation, for which replies and budgets are kept. */
  readonly strangers: number;
  /** How long such a peer is remembered after its last datagram, milliseconds. */
  readonly strangerLifetimeMs: number;
  /** Peers with an observation. */
  readonly observers: number;
  /** Observations of one peer. */
  readonly observationsPerPeer: number;
  /** Requests of one peer whose duplicates are recognised; messages to one peer that are not acknowledged (SPEC §10.3). */
  readonly exchangesPerPeer: number;
  /** Messages to one peer that wait; a message beyond them is dropped. */
  readonly queuedPerPeer: number;
  /** Channels, one for each device. */
  readonly channels: number;
  /** Channels of one wire id that hellos from other addresses may end at once, and the time after which one more may. */
  readonly takeOverBurst: number;
  readonly takeOverRefillMs: number;
  /** A device that was silent for this time may always greet from another address, milliseconds. */
  readonly takeOverSilentMs: number;
  /** Time for the core to answer a hello, milliseconds. */
  readonly helloDeadlineMs: number;
  /** How long an Echo value is fresh, milliseconds. */
  readonly echoLifetimeMs: number;
  /** Body of a request in blocks, bytes. */
  readonly bodyBytes: number;
  /** Bodies of requests that are incomplete, over all peers. */
  readonly bodies: number;
  /** How long an incomplete body is kept, milliseconds. */
  readonly bodyLifetimeMs: number;
  /** Clients that observe `/time`, and the time between two notifications to them, milliseconds. */
  readonly timeObservers: number;
  readonly timePeriodMs: number;
  /** Bytes that the operating system keeps of datagrams that were not read yet. */
  readonly receiveBufferBytes: number;
  /** Bytes that wait in the process to be sent; a datagram beyond them is dropped. */
  readonly sendQueueBytes: number;
}

export const defaultCoapLimits: CoapLimits = {
  datagramBytes: limits.messageBytes + 256,
  strangers: 4_096,
  strangerLifetimeMs: 247_000,
  observers: 16_384,
  observationsPerPeer: 4,
  exchangesPerPeer: 8,
  queuedPerPeer: 8,
  channels: 16_384,
  takeOverBurst: 6,
  takeOverRefillMs: 15_000,
  takeOverSilentMs: 15_000,
  helloDeadlineMs: 10_000,
  echoLifetimeMs: 60_000,
  bodyBytes: 4_096,
  bodies: 64,
  bodyLifetimeMs: 30_000,
  timeObservers: 64,
  timePeriodMs: 5_000,
  receiveBufferBytes: 4 * 1024 * 1024,
  sendQueueBytes: 1024 * 1024,
};
