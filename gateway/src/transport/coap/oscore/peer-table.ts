import type { WireIdentity } from "../../directory.ts";
import { gatewayContext } from "./device-context.ts";
import { OscorePeer, type SequenceSource } from "./oscore-peer.ts";
import type { SecurityContext } from "./security-context.ts";

/** One generation of an identity with its key. */
export interface OscoreCredential {
  readonly generation: number;
  readonly key: Uint8Array;
}

/** What one datagram may cost: decryptions until its sender is found. 100,000 identities have 1.5 for each kid. */
export const maxPeersPerKid = 8;

/**
 * The peers that may speak, by kid and kid context. During a rotation a device is two peers, one for each generation.
 */
export class PeerTable {
  readonly #sequenceOf: (identity: WireIdentity, context: SecurityContext) => SequenceSource;
  readonly #byKid = new Map<string, OscorePeer[]>();
  readonly #byWireId = new Map<string, readonly OscorePeer[]>();

  /** @param sequenceOf opens the sender sequence of a context */
  constructor(sequenceOf: (identity: WireIdentity, context: SecurityContext) => SequenceSource) {
    this.#sequenceOf = sequenceOf;
  }

  get size(): number {
    return this.#byWireId.size;
  }

  /**
   * Sets what holds for a wire id now; nothing holds if there is no credential. A generation whose key did not change keeps
   * its replay window.
   * @returns generations that cannot be used: their key is shorter than 16 bytes, or their kid has too many peers
   */
  set(wireId: string, credentials: readonly OscoreCredential[]): readonly number[] {
    const before = this.#byWireId.get(wireId) ?? [];
    for (const peer of before) this.#drop(peer);
    const unusable: number[] = [];
    const peers: OscorePeer[] = [];
    for (const { generation, key } of credentials) {
      const identity = { wireId, generation };
      const context = gatewayContext(identity, key);
      const known = context && before.find((peer) => isSame(peer.context, context));
      const peer =
        known ?? (context && new OscorePeer(identity, context, this.#sequenceOf(identity, context)));
      if (peer && this.#add(peer)) peers.push(peer);
      else unusable.push(generation);
    }
    if (peers.length > 0) this.#byWireId.set(wireId, peers);
    else this.#byWireId.delete(wireId);
    return unusable;
  }

  /** The peers of a wire id, in the order of its credentials. */
  ofWireId(wireId: string): readonly OscorePeer[] {
    return this.#byWireId.get(wireId) ?? [];
  }

  /** Whose key may have sealed a request: at most eight. Peers of this table have no ID Context, so none is found by one. */
  find(kid: Uint8Array, kidContext: Uint8Array | undefined): readonly OscorePeer[] {
    return kidContext ? [] : (this.#byKid.get(keyOf(kid)) ?? []);
  }

  #add(peer: OscorePeer): boolean {
    const kid = keyOf(peer.context.recipientId);
    const peers = this.#byKid.get(kid) ?? [];
    if (peers.length === maxPeersPerKid) return false;
    this.#byKid.set(kid, [...peers, peer]);
    return true;
  }

  #drop(peer: OscorePeer): void {
    const kid = keyOf(peer.context.recipientId);
    const rest = (this.#byKid.get(kid) ?? []).filter((other) => other !== peer);
    if (rest.length > 0) this.#byKid.set(kid, rest);
    else this.#byKid.delete(kid);
  }
}

function keyOf(kid: Uint8Array): string {
  return Buffer.from(kid).toString("hex");
}

/** The salt holds wire id and generation, so equal keys are equal contexts. */
function isSame(a: SecurityContext, b: SecurityContext): boolean {
  return a.senderKey.equals(b.senderKey) && a.recipientKey.equals(b.recipientKey);
}
