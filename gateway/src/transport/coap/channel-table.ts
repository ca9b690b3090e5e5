import type { WireIdentity } from "../directory.ts";
import type { CoapChannel } from "./coap-channel.ts";
import type { Peer } from "./message/peer.ts";

/** The open channels: one for each wire id, and on plain CoAP found by the address of the device. */
export class ChannelTable {
  readonly #byWireId = new Map<string, CoapChannel>();
  readonly #byPeer = new Map<string, CoapChannel>();
  readonly #counted: (count: number) => void;
  readonly #left: (identity: WireIdentity) => void;

  /** @param left told of each channel that is closed and was protected */
  constructor(counted: (count: number) => void, left: (identity: WireIdentity) => void) {
    this.#counted = counted;
    this.#left = left;
  }

  get size(): number {
    return this.#byWireId.size;
  }

  of(wireId: string): CoapChannel | undefined {
    return this.#byWireId.get(wireId);
  }

  /** The channel of a proved identity; without one, that of the address. */
  find(peer: Peer, identity: WireIdentity | undefined): CoapChannel | undefined {
    if (!identity) return this.#byPeer.get(peer.name);
    const channel = this.#byWireId.get(identity.wireId);
    // What was opened by a plain hello sends without protection.
    const isIts = channel?.isProtected && channel.identity.generation === identity.generation;
    return isIts ? channel : undefined;
  }

  add(channel: CoapChannel): void {
    this.#byWireId.set(channel.identity.wireId, channel);
    // An address proves nothing: plain messages from it must not come in over a protected channel.
    if (!channel.isProtected) this.#byPeer.set(channel.peer, channel);
    this.#counted(this.size);
  }

  delete(channel: CoapChannel): void {
    const { wireId } = channel.identity;
    if (this.#byWireId.get(wireId) === channel) this.#byWireId.delete(wireId);
    if (this.#byPeer.get(channel.peer) === channel) this.#byPeer.delete(channel.peer);
    if (channel.isProtected) this.#left(channel.identity);
    this.#counted(this.size);
  }

  move(channel: CoapChannel, peer: Peer): void {
    if (this.#byPeer.get(channel.peer) === channel) this.#byPeer.delete(channel.peer);
    channel.move(peer);
    if (!channel.isProtected) this.#byPeer.set(peer.name, channel);
  }

  all(): readonly CoapChannel[] {
    return [...this.#byWireId.values()];
  }
}
