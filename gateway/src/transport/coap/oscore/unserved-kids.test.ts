import assert from "node:assert/strict";
import { test } from "node:test";
import { kidOf } from "./device-context.ts";
import { maxPeersPerKid } from "./peer-table.ts";
import { UnservedKids } from "./unserved-kids.ts";

const kid = (wireId: string, generation: number) => kidOf({ wireId, generation });

test("a key that cannot be used and the generation before are found by their kids, and go when the keys change", () => {
  const kids = new UnservedKids();
  kids.set("lamp", [3], []);
  const earlier = { reason: "unknown-kid", identities: [{ wireId: "lamp", generation: 2 }] };
  assert.deepEqual(kids.find(kid("lamp", 2)), earlier);
  assert.equal(kids.find(kid("lamp", 3)), undefined);
  assert.equal(kids.find(kid("lamp", 1)), undefined);
  // During a rotation the earlier generation holds.
  kids.set("lamp", [4, 3], [4]);
  assert.deepEqual(kids.find(kid("lamp", 4)), {
    reason: "unusable-key",
    identities: [{ wireId: "lamp", generation: 4 }],
  });
  assert.deepEqual(kids.find(kid("lamp", 2)), earlier);
  kids.set("lamp", [], []);
  for (const generation of [1, 2, 3, 4]) assert.equal(kids.find(kid("lamp", generation)), undefined);
});

test("the first generation has none before it", () => {
  const kids = new UnservedKids();
  kids.set("lamp", [1], []);
  assert.equal(kids.find(kid("lamp", 0)), undefined);
});

/** Wire ids whose first generation has one kid. */
const sameKid = ["ab9v", "ae7r", "afb5", "aq4i", "a17bt", "a1hvp", "a1j0h", "a1tay", "a1tk2"];

test("all identities with one kid are told, up to eight", () => {
  const kids = new UnservedKids();
  const [first = "", last = ""] = [sameKid[0], sameKid[maxPeersPerKid]];
  for (const name of sameKid) assert.deepEqual(kid(name, 1), kid(first, 1));
  for (const name of sameKid.slice(0, -1)) kids.set(name, [1], [1]);
  const found = () => kids.find(kid(first, 1))?.identities.map(({ wireId }) => wireId) ?? [];
  assert.deepEqual(found(), sameKid.slice(0, maxPeersPerKid));
  kids.set(last, [1], [1]);
  assert.deepEqual(found(), sameKid.slice(0, maxPeersPerKid));
  kids.set(first, [1], []);
  assert.deepEqual(found(), sameKid.slice(1, maxPeersPerKid));
});
