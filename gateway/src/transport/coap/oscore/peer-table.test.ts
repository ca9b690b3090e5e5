import assert from "node:assert/strict";
import { test } from "node:test";
import type { IdentityKey, KeyDirectory } from "../../directory.ts";
import { PeerTable } from "./peer-table.ts";

const key = (fill: number, secretUid = "s", generation = 1): IdentityKey => ({
  generation,
  key: new Uint8Array(16).fill(fill),
  secretUid,
});

/** Keys that a test sets. */
class TestKeys implements KeyDirectory {
  readonly #keys = new Map<string, readonly IdentityKey[]>();
  readonly #listeners = new Set<(wireId: string) => void>();

  set(wireId: string, keys: readonly IdentityKey[]): void {
    this.#keys.set(wireId, keys);
    for (const listener of this.#listeners) listener(wireId);
  }

  wireIds = () => this.#keys.keys();
  keysOf = (wireId: string) => this.#keys.get(wireId) ?? [];
  onKeysChanged(listener: (wireId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

test("the table follows the keys that are there and those that come, and says which are of no use", () => {
  const keys = new TestKeys();
  keys.set("lamp", [key(1)]);
  const peers = new PeerTable(() => ({ take: () => undefined, ready: Promise.resolve() }));
  const told: string[] = [];
  const end = peers.follow(keys, (wireId, held, unusable) => told.push(`${wireId} ${held}, not ${unusable}`));
  assert.equal(peers.ofWireId("lamp").length, 1);
  keys.set("lamp", [key(2, "s", 2), key(1)]);
  assert.deepEqual(
    peers.ofWireId("lamp").map(({ identity }) => identity.generation),
    [2, 1],
  );
  keys.set("weak", [{ ...key(1), key: new Uint8Array(8) }]);
  assert.deepEqual(told, ["lamp 1, not ", "lamp 2,1, not ", "weak 1, not 1"]);
  end();
  keys.set("lamp", []);
  assert.equal(peers.ofWireId("lamp").length, 2);
});

test("a peer whose Secret changes takes the sequence of the new one, and keeps its window", () => {
  const peers = new PeerTable((_identity, _context, secretUid) => ({
    take: () => (secretUid === "new" ? 2 : 1),
    ready: Promise.resolve(),
  }));
  peers.set("lamp", [key(1, "old")]);
  const [before] = peers.ofWireId("lamp");
  before?.verify(5);
  peers.set("lamp", [key(1, "new")]);
  const [after] = peers.ofWireId("lamp");
  assert.equal(after, before);
  assert.deepEqual([after?.verified, after?.sequence.take()], [true, 2]);
});
