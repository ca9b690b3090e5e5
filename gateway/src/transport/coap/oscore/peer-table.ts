import type { IdentityKey, KeyDirectory, WireIdentity } from "../../directory.ts";
import { gatewayContext } from "./device-context.ts";
import { OscorePeer, type SequenceSource } from "./oscore-peer.ts";
import type { SecurityContext } from "./security-context.ts";

/** Gives the sender sequence of a context; called again whenever the keys of its identity are set. */
export type SequenceOf = (
  identity: WireIdentity,
  context: SecurityContext,
  secretUid: string,
) => SequenceSource;

/** What one datagram may cost: decryptions until its sender is found. 100,000 identities have 1.5 for each kid. */
export const maxPeersPerKid = 8;

/**
 * The peers that may speak, by kid and kid context. During a rotation a device is two peers, one for each generation.
 */
export class PeerTable {
  readonly #sequenceOf: SequenceOf;
  readonly #byKid = new Map<string, OscorePeer[]>();
  readonly #byWireId = new Map<string, readonly OscorePeer[]>();

  constructor(sequenceOf: SequenceOf) {
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
  set(wireId: string, credentials: readonly IdentityKey[]): readonly number[] {
    const before = this.#byWireId.get(wireId) ?? [];
    for (const peer of before) this.#drop(peer);
    const unusable: number[] = [];
    const peers: OscorePeer[] = [];
    for (const credential of credentials) {
      const peer = this.#peerOf(wireId, credential, before);
      if (peer && this.#add(peer)) peers.push(peer);
      else unusable.push(credential.generation);
    }
    if (peers.length > 0) this.#byWireId.set(wireId, peers);
    else this.#byWireId.delete(wireId);
    return unusable;
  }

  /**
   * Follows the keys of all devices.
   * @param onSet told which generations of a wire id hold now, and which of them cannot be used, see `set`
   * @returns ends that
   */
  follow(
    keys: KeyDirectory,
    onSet: (wireId: string, generations: readonly number[], unusable: readonly number[]) => void,
  ): () => void {
    const update = (wireId: string) => {
      const held = keys.keysOf(wireId);
      const unusable = this.set(wireId, held);
      onSet(
        wireId,
        held.map(({ generation }) => generation),
        unusable,
      );
    };
    const unsubscribe = keys.onKeysChanged(update);
    for (const wireId of [...keys.wireIds()]) update(wireId);
    return unsubscribe;
  }

  /** The peers of a wire id, in the order of its credentials. */
  ofWireId(wireId: string): readonly OscorePeer[] {
    return this.#byWireId.get(wireId) ?? [];
  }

  /** Whose key may have sealed a request: at most eight. Peers of this table have no ID Context, so none is found by one. */
  find(kid: Uint8Array, kidContext: Uint8Array | undefined): readonly OscorePeer[] {
    return kidContext ? [] : (this.#byKid.get(keyOf(kid)) ?? []);
  }

  #peerOf(
    wireId: string,
    { generation, key, secretUid }: IdentityKey,
    before: readonly OscorePeer[],
  ): OscorePeer | undefined {
    const identity = { wireId, generation };
    const context = gatewayContext(identity, key);
    if (!context) return undefined;
    const sequence = this.#sequenceOf(identity, context, secretUid);
    const known = before.find((peer) => isSame(peer.context, context));
    if (!known) return new OscorePeer(identity, context, sequence);
    // It may be another one if the Secret is, and nothing was sent yet.
    known.sequence = sequence;
    return known;
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
