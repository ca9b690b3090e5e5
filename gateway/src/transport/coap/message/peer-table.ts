import { type Peer, type PeerAddress, peerName } from "./peer.ts";

export interface PeerTableOptions {
  readonly limits: {
    readonly strangers: number;
    readonly strangerLifetimeMs: number;
    readonly observers: number;
  };
  readonly build: (address: PeerAddress, name: string, nowMs: number) => Peer;
  /** A peer is not remembered any more. */
  readonly forgotten: (peer: Peer, why: "evicted" | "expired") => void;
  readonly counted: (strangers: number, observers: number) => void;
}

/**
 * Peers by address and port. Those that observe something stay; of the others, the strangers, the one that was silent
 * longest is forgotten for a new one, so that a flood from forged addresses displaces strangers only.
 */
export class PeerTable {
  readonly #options: PeerTableOptions;
  /** The one that was heard last is the last. */
  readonly #strangers = new Map<string, Peer>();
  readonly #observers = new Map<string, Peer>();

  constructor(options: PeerTableOptions) {
    this.#options = options;
  }

  /** The peer at this address, which was just heard. */
  heard(address: PeerAddress, nowMs: number): Peer {
    const name = peerName(address);
    const observer = this.#observers.get(name);
    if (observer) {
      observer.heardMs = nowMs;
      return observer;
    }
    const peer = this.#strangers.get(name) ?? this.#admit(address, name, nowMs);
    peer.heardMs = nowMs;
    this.#strangers.delete(name);
    this.#strangers.set(name, peer);
    return peer;
  }

  /** Keeps a peer that begins to observe. @returns false: there are too many of them */
  keep(peer: Peer): boolean {
    if (this.#observers.has(peer.name)) return true;
    if (this.#observers.size >= this.#options.limits.observers) return false;
    this.#strangers.delete(peer.name);
    this.#observers.set(peer.name, peer);
    this.#count();
    return true;
  }

  /** Makes a peer that observes nothing any more a stranger. */
  release(peer: Peer): void {
    if (!this.#observers.delete(peer.name)) return;
    this.#makeRoom(peer.heardMs);
    this.#strangers.set(peer.name, peer);
    this.#count();
  }

  /** All peers, for the end of the endpoint. */
  all(): readonly Peer[] {
    return [...this.#strangers.values(), ...this.#observers.values()];
  }

  #admit(address: PeerAddress, name: string, nowMs: number): Peer {
    this.#makeRoom(nowMs);
    const peer = this.#options.build(address, name, nowMs);
    this.#strangers.set(name, peer);
    this.#count();
    return peer;
  }

  #makeRoom(nowMs: number): void {
    const { strangers, strangerLifetimeMs } = this.#options.limits;
    for (const [name, peer] of this.#strangers) {
      const isExpired = nowMs - peer.heardMs > strangerLifetimeMs;
      if (!isExpired && this.#strangers.size < strangers) return;
      this.#strangers.delete(name);
      this.#options.forgotten(peer, isExpired ? "expired" : "evicted");
    }
  }

  #count(): void {
    this.#options.counted(this.#strangers.size, this.#observers.size);
  }
}
