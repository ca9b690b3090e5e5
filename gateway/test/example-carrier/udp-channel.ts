import { limits } from "@motelet/profiles";
import type { Channel, ChannelEvents, ProvenIdentity } from "../../src/transport/channel.ts";
import { udp } from "./udp-link.ts";

/** The path to one address. */
export class UdpChannel implements Channel {
  readonly carrier = udp;
  readonly peer: string;
  readonly peerAddress: string;
  readonly identity: ProvenIdentity;
  readonly maxMessageBytes = limits.messageBytes;
  readonly rtoMs: number;
  /** UDP has no keep-alive. */
  readonly acksBeats = true;
  /** The device does not notice that the gateway has opened the path. */
  readonly demandsHello = true;
  readonly #write: (message: Uint8Array) => boolean;
  #events: ChannelEvents | undefined;
  #isClosed = false;

  /** @param write sends one datagram to the address; false if it was dropped */
  constructor(address: string, rtoMs: number, write: (message: Uint8Array) => boolean) {
    this.peer = address;
    this.peerAddress = address;
    this.identity = { kind: "port", port: address };
    this.rtoMs = rtoMs;
    this.#write = write;
  }

  /** Gives the channel to its owner, who sends and receives from now on. */
  begin(open: (channel: Channel) => ChannelEvents): void {
    this.#events = open(this);
  }

  received(message: Uint8Array): void {
    if (!this.#isClosed) this.#events?.message(message);
  }

  send(message: Uint8Array): boolean {
    return !this.#isClosed && this.#write(message);
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Not in the caller's turn: the caller may be the session that is informed.
    queueMicrotask(() => this.#events?.closed(reason));
  }
}
