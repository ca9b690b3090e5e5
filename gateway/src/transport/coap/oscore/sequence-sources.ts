import { hkdfSync } from "node:crypto";
import type { SequenceRecord, WireIdentity } from "../../directory.ts";
import type { SecurityContext } from "./security-context.ts";
import { type AllocatorOptions, SequenceAllocator } from "./sequence-allocator.ts";

const fingerprintBytes = 8;

/**
 * The sequence of each key, one allocator a key for the life of the process: a peer that is removed and comes back goes on with the
 * same one.
 */
export class SequenceSources implements Disposable {
  readonly #options: Omit<AllocatorOptions, "record">;
  readonly #allocators = new Map<
    string,
    { readonly secretUid: string; readonly allocator: SequenceAllocator }
  >();

  constructor(options: Omit<AllocatorOptions, "record">) {
    this.#options = options;
  }

  of(identity: WireIdentity, context: SecurityContext, secretUid: string): SequenceAllocator {
    const record: SequenceRecord = { ...identity, fingerprint: fingerprintOf(context), secretUid };
    const known = this.#allocators.get(record.fingerprint);
    if (known?.secretUid === secretUid) return known.allocator;
    // What this process has used is counted under the other Secret.
    if (known?.allocator.started) {
      known.allocator.refuse("KEY_REPLACED");
      return known.allocator;
    }
    const allocator = new SequenceAllocator({ ...this.#options, record });
    this.#allocators.set(record.fingerprint, { secretUid, allocator });
    return allocator;
  }

  [Symbol.dispose](): void {
    for (const { allocator } of this.#allocators.values()) allocator[Symbol.dispose]();
  }
}

/** Tells nothing about the key, and is another one for another salt, that is, wire id or generation. */
export function fingerprintOf({ senderKey }: SecurityContext): string {
  const bytes = hkdfSync("sha256", senderKey.export(), "", "motelet sequence record", fingerprintBytes);
  return Buffer.from(bytes).toString("hex");
}
