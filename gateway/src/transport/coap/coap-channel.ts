import { type HelloMessage, limits } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { TokenBucket } from "../../foundation/token-bucket.ts";
import type { Channel, ChannelAcceptor, ChannelEvents, ProvenIdentity } from "../channel.ts";
import type { WireIdentity } from "../directory.ts";
import { content } from "./message/codec.ts";
import { Code } from "./message/codes.ts";
import type { Observation, ObservationEnd } from "./message/observation.ts";
import type { Peer } from "./message/peer.ts";
import { type SequenceVerdict, SequenceWindow } from "./message/sequence-window.ts";

/** Messages that wait while the response to the hello leaves. */
const maxHeld = 8;

/** Hellos that wait for one welcome; the oldest is given up for one more. */
const maxWaiting = 8;

/**
 * The path to one device (SPEC §10.3). Downlink messages are, in this order of preference: the response to a hello that
 * waits, the response to the request that is being handled, a notification.
 */
export class CoapChannel implements Channel {
  readonly carrier = "coap";
  readonly identity: ProvenIdentity & { readonly kind: "wire-id" };
  readonly maxMessageBytes = limits.messageBytes;
  readonly rtoMs: number;
  /** The response to a beat shows the device that the gateway is there. */
  readonly acksBeats = false;
  readonly demandsHello = false;
  /** How often hellos from other addresses may end the channel of this wire id; the next channel inherits it. */
  readonly takeOvers: TokenBucket;
  /** Whether the protection of its messages proves whose they are; otherwise their address does. */
  readonly isProtected: boolean;
  readonly #clock: Clock;
  readonly #onDropped: () => void;
  readonly #onClosed: (reason: string) => void;
  #peer: Peer;
  #events: ChannelEvents | undefined;
  #observation: Observation | undefined;
  /** Hellos that wait for their response, repeated ones too: one welcome answers all of them. */
  #waiting: ((message: Uint8Array | undefined) => void)[] = [];
  /** The newest hello: the network may deliver an older one after it. */
  #newest: Pick<HelloMessage, "boot" | "attempt"> | undefined;
  /** Ids of the messages of the device since its last hello. */
  #window: SequenceWindow | undefined;
  /** Messages that follow the response to the hello, so that the response leaves first. */
  #held: Uint8Array[] | undefined;
  /** The response to the request that is being handled. */
  #reply: { message?: Uint8Array } | undefined;
  #isClosed = false;

  constructor(options: {
    identity: WireIdentity;
    isProtected: boolean;
    peer: Peer;
    rtoMs: number;
    clock: Clock;
    takeOvers: TokenBucket;
    /** A message found no room behind the response to a hello. */
    onDropped: () => void;
    /** The channel takes and sends nothing any more. */
    onClosed: (reason: string) => void;
  }) {
    const { wireId, generation } = options.identity;
    this.identity = { kind: "wire-id", wireId, generation };
    this.isProtected = options.isProtected;
    this.rtoMs = options.rtoMs;
    this.#peer = options.peer;
    this.takeOvers = options.takeOvers;
    this.#clock = options.clock;
    this.#onDropped = options.onDropped;
    this.#onClosed = options.onClosed;
  }

  get peer(): string {
    return this.#peer.name;
  }

  get peerAddress(): string {
    return this.#peer.address;
  }

  /** The address of the device, as the transport knows it. */
  get address(): Peer {
    return this.#peer;
  }

  get observation(): Observation | undefined {
    return this.#observation;
  }

  /** Gives the channel to its owner. */
  begin(acceptor: ChannelAcceptor): void {
    this.#events = acceptor.opened(this);
  }

  /** The device sends from another address now. */
  move(peer: Peer): void {
    this.#peer = peer;
  }

  /**
   * Whether the device has sent a newer hello than this one (attempts are 8 bits that wrap, SPEC §5.1), or this one was
   * handled.
   * @param messageId undefined: the protection of the message judges that
   */
  isOutdated({ boot, attempt }: HelloMessage, messageId: number | undefined): boolean {
    if (this.#newest?.boot !== boot) return false;
    const behind = (this.#newest.attempt - attempt) & 0xff;
    const isStale = messageId !== undefined && this.#window?.accept(messageId) === "stale";
    return behind === 0 ? isStale : behind < 128;
  }

  /**
   * Takes a hello with the observation that it began, which replaces the one before.
   * @param messageId its id; what was sent before it is stale from now on
   * @returns the first downlink message that follows, a welcome if the hello is admitted; undefined: none within the deadline
   */
  hello(
    bytes: Uint8Array,
    hello: HelloMessage,
    messageId: number,
    observation: Observation,
    deadlineMs: number,
  ): Promise<Uint8Array | undefined> {
    this.#newest = hello;
    this.#window = new SequenceWindow(16, messageId);
    const before = this.#observation;
    this.#observation = observation;
    before?.end("replaced");
    const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
    const timer = this.#clock.after(deadlineMs, () => this.#answer(undefined));
    if (this.#waiting.length >= maxWaiting) this.#waiting.shift()?.(undefined);
    this.#waiting.push((first) => {
      timer.cancel();
      resolve(first);
    });
    this.#events?.message(bytes);
    return promise;
  }

  /** Whether the message id continues those of the device. */
  judge(messageId: number): SequenceVerdict {
    return this.#window?.accept(messageId) ?? "foreign";
  }

  /** @returns the downlink message that answers at once, if there is one */
  uplink(message: Uint8Array): Uint8Array | undefined {
    const reply: { message?: Uint8Array } = {};
    this.#reply = reply;
    this.#events?.message(message);
    this.#reply = undefined;
    return reply.message;
  }

  /** @param observation the one that ended; an older one means nothing, nor does one that its own client has replaced */
  observationEnded(observation: Observation, why: ObservationEnd): void {
    if (observation === this.#observation && why !== "replaced") this.close(`observation ${why}`);
  }

  send(message: Uint8Array): boolean {
    if (this.#isClosed) return false;
    if (this.#waiting.length > 0) {
      this.#held = [];
      setImmediate(() => this.#release());
      this.#answer(message);
      return true;
    }
    if (this.#held) return this.#hold(this.#held, message);
    if (this.#reply && !this.#reply.message) {
      this.#reply.message = message;
      return true;
    }
    return this.#notify(message);
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#release();
    this.#isClosed = true;
    this.#answer(undefined);
    const observation = this.#observation;
    this.#observation = undefined;
    observation?.end("ended", content(Code.serviceUnavailable));
    this.#onClosed(reason);
    const events = this.#events;
    this.#events = undefined;
    // Not in the caller's turn: the caller may be the session that is informed.
    if (events) queueMicrotask(() => events.closed(reason));
  }

  #answer(first: Uint8Array | undefined): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const answer of waiting) answer(first);
  }

  #hold(held: Uint8Array[], message: Uint8Array): boolean {
    if (held.length < maxHeld) return held.push(message) > 0;
    this.#onDropped();
    return false;
  }

  #release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const message of held) this.#notify(message);
  }

  #notify(message: Uint8Array): boolean {
    return this.#observation?.notify(content(Code.content, message)) ?? false;
  }
}
