import assert from "node:assert/strict";
import { test } from "node:test";
import { randomOf } from "./oscore-test-bed.ts";
import { ReplayWindow, replayWindowSize } from "./replay-window.ts";

test("after a proof of freshness only later numbers are new", () => {
  const window = new ReplayWindow();
  assert.equal(window.verified, false);
  window.verify(100);
  assert.equal(window.verified, true);
  assert.deepEqual(
    [0, 69, 99, 100, 101, 4_000].map((sequence) => window.isNew(sequence)),
    [false, false, false, false, true, true],
  );
});

test("a number 31 behind the highest may still arrive, one 32 behind may not", () => {
  const window = new ReplayWindow();
  window.verify(0);
  window.accept(1_000);
  assert.equal(window.isNew(1_000 - replayWindowSize + 1), true);
  assert.equal(window.isNew(1_000 - replayWindowSize), false);
});

test("a window agrees with a set of all numbers that were ever accepted", () => {
  const random = randomOf(8613);
  for (let round = 0; round < 50; round++) {
    const window = new ReplayWindow();
    const start = random(2 ** 20);
    window.verify(start);
    const accepted = new Set<number>();
    let highest = start;
    for (let step = 0; step < 400; step++) {
      const sequence = Math.max(0, highest + random(90) - 60);
      const expected = sequence > start && !accepted.has(sequence) && highest - sequence < replayWindowSize;
      assert.equal(window.isNew(sequence), expected, `${sequence} after ${highest}, verified at ${start}`);
      if (!expected) continue;
      window.accept(sequence);
      accepted.add(sequence);
      highest = Math.max(highest, sequence);
    }
  }
});
