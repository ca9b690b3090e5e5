import { createHash, timingSafeEqual } from "node:crypto";
import { parseUserName } from "@motelet/profiles";
import type { Metrics } from "../foundation/metrics.ts";
import type {
  Authenticator,
  Claim,
  IdentityKey,
  KeyDirectory,
  RefusedClient,
  Verdict,
  WireIdentity,
} from "../transport/directory.ts";
import type { Credential, DeviceIdentity, DeviceSpec } from "./device.ts";
import type { RefusalNotes } from "./refusal-notes.ts";
import { refusalTextOf } from "./refusals.ts";
import type { Registry } from "./registry.ts";

interface Proof {
  readonly digest: Buffer;
  /** The pre-shared key: the identity's own, or its password. */
  readonly psk: Buffer;
}

interface Holder {
  readonly key: string;
  readonly uid: string;
  readonly paused: boolean;
  readonly generation: number;
  readonly secretUid: string | undefined;
  /** By generation: one proof, and two during a rotation. */
  readonly proofs: ReadonlyMap<number, Proof>;
}

/**
 * Decides which device may use which wire id, by following the registry. A wire id belongs to the first device that has
 * it. A second device with the same wire id is counted and not admitted. During a rotation the earlier generation is
 * valid until the device has connected with the new one.
 */
export class Identities implements Authenticator, KeyDirectory, Disposable {
  readonly #registry: Registry;
  readonly #byWireId = new Map<string, Holder>();
  readonly #specs = new Map<string, DeviceSpec>();
  readonly #listeners = new Set<(wireId: string) => void>();
  readonly #keyListeners = new Set<(wireId: string) => void>();
  readonly #notes: Pick<RefusalNotes, "note">;
  readonly #verdicts;
  readonly #conflicts;
  #unsubscribe: (() => void) | undefined;

  /** @param notes receives refusals whose name is that of a device */
  constructor(registry: Registry, metrics: Metrics, notes: Pick<RefusalNotes, "note">) {
    this.#registry = registry;
    this.#notes = notes;
    this.#verdicts = metrics.counter(
      "motelet_authentications_total",
      "Credentials that were checked, by verdict.",
      ["verdict"],
    );
    this.#conflicts = metrics.counter(
      "motelet_wire_id_conflicts_total",
      "Devices whose wire id belongs to another device.",
    );
  }

  start(): void {
    this.#unsubscribe = this.#registry.follow((key) => this.#follow(key));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
  }

  authenticate(claim: Claim): Verdict {
    const holder = this.#byWireId.get(claim.wireId);
    // Compared in any case, so that the time does not tell which ids exist.
    const proof = holder?.proofs.get(claim.generation);
    const equal = timingSafeEqual(digestOf(claim.password), proof?.digest ?? unknownDigest);
    return this.#count(judge(holder, claim.generation, equal));
  }

  admit(proven: WireIdentity): Verdict {
    const holder = this.#byWireId.get(proven.wireId);
    return this.#count(judge(holder, proven.generation, true));
  }

  /** A paused device has a key, so that its error is "paused" and not "unknown". */
  pskOf(identity: WireIdentity): Uint8Array | undefined {
    return this.#byWireId.get(identity.wireId)?.proofs.get(identity.generation)?.psk;
  }

  refused({ reason, text, lacksKey = false, peer, names, detail }: RefusedClient): void {
    const claims = names.map((name) => parseUserName(name) ?? { wireId: name, generation: undefined });
    const claim = claims.find(({ wireId }) => this.#byWireId.has(wireId));
    const holder = claim && this.#byWireId.get(claim.wireId);
    const code = lacksKey ? keyReason(reason, holder, claim?.generation) : reason;
    // The others have been judged by their credential, or show none.
    if (lacksKey) this.#verdicts.inc({ verdict: holder ? code : "unknown-id" });
    const words = refusalTextOf(code) ?? text;
    if (!holder || !words) return;
    const refusal = { code, peer, ...words, ...(detail ? { detail } : {}) };
    // After the answer, so that the time does not tell which ids exist.
    setImmediate(() => this.#notes.note(holder.key, refusal));
  }

  onRevoked(listener: (wireId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  wireIds(): Iterable<string> {
    return this.#byWireId.keys();
  }

  /** A paused device has keys, as it has a pre-shared key. */
  keysOf(wireId: string): readonly IdentityKey[] {
    const { proofs, secretUid } = this.#byWireId.get(wireId) ?? {};
    if (!proofs || secretUid === undefined) return [];
    return [...proofs].map(([generation, { psk }]) => ({ generation, key: psk, secretUid }));
  }

  onKeysChanged(listener: (wireId: string) => void): () => void {
    this.#keyListeners.add(listener);
    return () => this.#keyListeners.delete(listener);
  }

  /** Key of the device that owns this proven wire id, as long as the generation is valid. */
  deviceOf(wireId: string, generation: number): string | undefined {
    const holder = this.#byWireId.get(wireId);
    return holder?.proofs.has(generation) ? holder.key : undefined;
  }

  #count(verdict: Verdict): Verdict {
    this.#verdicts.inc({ verdict: verdict.admitted ? "admitted" : verdict.reason });
    return verdict;
  }

  #follow(key: string): void {
    const spec = this.#registry.get(key)?.spec;
    const before = this.#specs.get(key);
    // Most changes are facts; they keep the spec as it was.
    if (spec === before) {
      if (spec?.identity) this.#endRotation(key, spec.identity);
      return;
    }
    if (spec) this.#specs.set(key, spec);
    else this.#specs.delete(key);
    const held = before?.identity && this.#byWireId.get(before.identity.wireId);
    const wasHeld = held?.key === key;
    if (wasHeld && before?.identity) this.#byWireId.delete(before.identity.wireId);
    if (spec?.identity) this.#hold(key, spec, spec.identity);
    if (wasHeld && before?.identity && !this.#stillHolds(before.identity.wireId, held))
      this.#revoke(before.identity.wireId);
    if (wasHeld && before?.identity && !this.#byWireId.has(before.identity.wireId))
      this.#inherit(before.identity.wireId);
    for (const wireId of new Set([before?.identity?.wireId, spec?.identity?.wireId]))
      if (wireId !== undefined) this.#keysChanged(wireId);
  }

  #hold(key: string, spec: DeviceSpec, identity: DeviceIdentity): void {
    const other = this.#byWireId.get(identity.wireId);
    if (other && other.key !== key) {
      this.#conflicts.inc();
      return;
    }
    this.#byWireId.set(identity.wireId, {
      key,
      uid: spec.uid,
      paused: spec.paused,
      generation: identity.generation,
      secretUid: identity.secretUid,
      proofs: new Map(
        this.#holding(key, identity).map((credential) => [credential.generation, proofOf(credential)]),
      ),
    });
  }

  /** What is accepted: the earlier generation as long as the device has not come under the new one. */
  #holding(key: string, identity: DeviceIdentity): readonly Credential[] {
    const { previous, generation } = identity;
    const rotated = this.#registry.get(key)?.identityGeneration === generation;
    return previous && !rotated ? [identity, previous] : [identity];
  }

  /** A connection under the earlier generation was closed when the device connected again. */
  #endRotation(key: string, identity: DeviceIdentity): void {
    const holder = this.#byWireId.get(identity.wireId);
    if (holder?.key !== key || holder.proofs.size === 1 || this.#holding(key, identity).length > 1) return;
    const proofs = new Map([...holder.proofs].filter(([generation]) => generation === holder.generation));
    this.#byWireId.set(identity.wireId, { ...holder, proofs });
    this.#keysChanged(identity.wireId);
  }

  /** Whether everything that was accepted is accepted still. */
  #stillHolds(wireId: string, before: Holder): boolean {
    const now = this.#byWireId.get(wireId);
    if (now === undefined || now.uid !== before.uid || now.paused) return false;
    return [...before.proofs].every(([generation, { digest, psk }]) => {
      const proof = now.proofs.get(generation);
      return proof?.digest.equals(digest) && proof.psk.equals(psk);
    });
  }

  /** Another device that waited for this wire id gets it. */
  #inherit(wireId: string): void {
    for (const [key, spec] of this.#specs) {
      if (spec.identity?.wireId !== wireId) continue;
      this.#hold(key, spec, spec.identity);
      return;
    }
  }

  #keysChanged(wireId: string): void {
    for (const listener of this.#keyListeners) listener(wireId);
  }

  #revoke(wireId: string): void {
    for (const listener of this.#listeners) listener(wireId);
  }
}

/** A transport cannot tell a key that is wrong or unusable from one of another generation. */
function keyReason(reason: string, holder: Holder | undefined, generation: number | undefined): string {
  if (generation === undefined) return reason;
  return holder?.proofs.has(generation) ? "wrong-key" : "wrong-generation";
}

function judge(holder: Holder | undefined, generation: number, equal: boolean): Verdict {
  if (!holder) return { admitted: false, reason: "unknown-id" };
  if (!holder.proofs.has(generation)) return { admitted: false, reason: "wrong-generation" };
  if (!equal) return { admitted: false, reason: "wrong-password" };
  if (holder.paused) return { admitted: false, reason: "paused" };
  return { admitted: true };
}

function proofOf({ password, key }: Credential): Proof {
  const bytes = Buffer.from(password, "utf8");
  return { digest: digestOf(bytes), psk: Buffer.from(key ?? bytes) };
}

/** Equal lengths, so that the comparison is constant in time whatever was sent. */
function digestOf(password: Uint8Array): Buffer {
  return createHash("sha256").update(password).digest();
}

const unknownDigest = digestOf(Buffer.from("no device has this wire id"));
