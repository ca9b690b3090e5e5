import assert from "node:assert/strict";
import { test } from "node:test";
import { maxDistance, SequenceWindow, windowSize } from "./sequence-window.ts";

test("each number is accepted once, in any order within the window", () => {
  const window = new SequenceWindow(16, 100);
  assert.equal(window.accept(100), "stale");
  assert.equal(window.accept(99), "stale", "all before the first count as seen");
  assert.deepEqual(
    [103, 101, 102, 101, 103].map((number) => window.accept(number)),
    ["new", "new", "new", "stale", "stale"],
  );
});

test("31 numbers below the newest are accepted late, and the 32nd is stale", () => {
  for (const [below, verdict] of [
    [windowSize - 1, "new"],
    [windowSize, "stale"],
  ] as const) {
    const window = new SequenceWindow(16, 0);
    window.accept(200);
    assert.equal(window.accept(200 - below), verdict);
  }
});

test("a number as far as the limit belongs to the sequence, and one more does not", () => {
  for (const [from, verdict] of [
    [maxDistance, "new"],
    [maxDistance + 1, "foreign"],
  ] as const)
    assert.equal(new SequenceWindow(16, 5_000).accept(5_000 + from), verdict);
  for (const [from, verdict] of [
    [maxDistance, "stale"],
    [maxDistance + 1, "foreign"],
  ] as const)
    assert.equal(new SequenceWindow(16, 5_000).accept(5_000 - from), verdict);
});

test("the sequence wraps", () => {
  const window = new SequenceWindow(16, 65_534);
  assert.deepEqual(
    [65_535, 1, 0, 65_535].map((number) => window.accept(number)),
    ["new", "new", "new", "stale"],
  );
  const long = new SequenceWindow(24, 2 ** 24 - 1);
  assert.deepEqual(
    [0, 2 ** 24 - 1].map((number) => long.accept(number)),
    ["new", "stale"],
  );
});
