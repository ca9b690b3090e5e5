import assert from "node:assert/strict";
import { test } from "node:test";
import { FlapGuard } from "./flap-guard.ts";

const minute = 60_000;

test("two losses within five minutes are no flapping, the third is", () => {
  const guard = new FlapGuard();
  assert.equal(guard.lost("a", 0), false);
  assert.equal(guard.lost("a", minute), false);
  assert.equal(guard.heldMs("a", minute), 0);
  assert.equal(guard.lost("a", 2 * minute), true);
  assert.equal(guard.heldMs("a", 2 * minute), minute);
  assert.equal(guard.heldMs("a", 3 * minute - 1), 1);
  assert.equal(guard.heldMs("a", 3 * minute), 0);
  assert.equal(guard.heldMs("b", 2 * minute), 0);
});

test("a third loss five minutes after the first is one millisecond too late", () => {
  const early = new FlapGuard();
  for (const atMs of [0, minute]) early.lost("a", atMs);
  assert.equal(early.lost("a", 5 * minute - 1), true);
  const late = new FlapGuard();
  for (const atMs of [0, minute]) late.lost("a", atMs);
  assert.equal(late.lost("a", 5 * minute), false);
});

test("each loss while held makes the hold longer, up to a quarter of an hour", () => {
  const guard = new FlapGuard();
  for (const atMs of [0, 1, 2]) guard.lost("a", atMs);
  const lengths = Array.from({ length: 6 }, () => {
    assert.equal(guard.lost("a", 3), false);
    return guard.heldMs("a", 3) / minute;
  });
  assert.deepEqual(lengths, [2, 4, 8, 15, 15, 15]);
});

test("a device that was steady for five minutes after its hold begins anew", () => {
  const guard = new FlapGuard();
  for (const atMs of [0, 1, 2, 3]) guard.lost("a", atMs);
  const freeMs = 3 + guard.heldMs("a", 3);
  const laterMs = freeMs + 5 * minute;
  for (const atMs of [laterMs, laterMs + 1]) assert.equal(guard.lost("a", atMs), false);
  assert.equal(guard.lost("a", laterMs + 2), true);
  assert.equal(guard.heldMs("a", laterMs + 2), minute);
});

test("a hold of an earlier gateway is taken over once", () => {
  const guard = new FlapGuard();
  guard.restore("a", 0);
  assert.equal(guard.heldMs("a", 0), minute);
  guard.restore("a", 2 * minute);
  assert.equal(guard.heldMs("a", 2 * minute), 0);
});
