import type { WireIdentity } from "../../directory.ts";
import { kidOf } from "./device-context.ts";
import { maxPeersPerKid } from "./peer-table.ts";

export interface UnservedKid {
  /** `unusable-key`: the device has this generation, and its key cannot be used. `unknown-kid`: an earlier generation. */
  readonly reason: "unusable-key" | "unknown-kid";
  /** The identities that have this kid. */
  readonly identities: readonly WireIdentity[];
}

interface Unserved {
  readonly identity: WireIdentity;
  readonly reason: UnservedKid["reason"];
}

/**
 * Kids that a device may come with and that no context has, so that its owner learns why it is refused: of generations whose
 * key cannot be used, and of the generation before the first one that holds.
 */
export class UnservedKids {
  readonly #byKid = new Map<string, readonly Unserved[]>();
  readonly #byWireId = new Map<string, readonly string[]>();

  /**
   * @param generations those that hold now
   * @param unusable those of them whose key cannot be used
   */
  set(wireId: string, generations: readonly number[], unusable: readonly number[]): void {
    for (const kid of this.#byWireId.get(wireId) ?? []) this.#drop(kid, wireId);
    const earlier = Math.min(...generations) - 1;
    const unserved = [
      ...unusable.map((generation) => ({ generation, reason: "unusable-key" }) as const),
      ...(earlier > 0 && generations.length > 0
        ? [{ generation: earlier, reason: "unknown-kid" } as const]
        : []),
    ];
    const kids = unserved.map(({ generation, reason }) =>
      this.#add({ identity: { wireId, generation }, reason }),
    );
    if (kids.length > 0) this.#byWireId.set(wireId, kids);
    else this.#byWireId.delete(wireId);
  }

  find(kid: Uint8Array): UnservedKid | undefined {
    const unserved = this.#byKid.get(Buffer.from(kid).toString("hex"));
    const first = unserved?.[0];
    if (!unserved || !first) return undefined;
    // Of several with one kid nobody knows which one it is.
    const same = unserved.filter(({ reason }) => reason === first.reason);
    return { reason: first.reason, identities: same.map(({ identity }) => identity) };
  }

  #add(unserved: Unserved): string {
    const kid = Buffer.from(kidOf(unserved.identity)).toString("hex");
    const others = this.#byKid.get(kid) ?? [];
    if (others.length < maxPeersPerKid) this.#byKid.set(kid, [...others, unserved]);
    return kid;
  }

  #drop(kid: string, wireId: string): void {
    const rest = (this.#byKid.get(kid) ?? []).filter(({ identity }) => identity.wireId !== wireId);
    if (rest.length > 0) this.#byKid.set(kid, rest);
    else this.#byKid.delete(kid);
  }
}
