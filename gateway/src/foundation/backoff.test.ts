import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs } from "./backoff.ts";

const policy = { baseMs: 100, factor: 2, maxMs: 1_000, jitter: 0.5 };

test("the wait doubles up to the cap and stays there", () => {
  const waits = [0, 1, 2, 3, 4, 1_000].map((attempt) => backoffMs(policy, attempt, 0));
  assert.deepEqual(waits, [100, 200, 400, 800, 1_000, 1_000]);
});

test("jitter takes away at most its share", () => {
  assert.equal(backoffMs(policy, 0, 0.999999) > 50, true);
  assert.equal(backoffMs({ ...policy, jitter: 0 }, 2, 0.7), 400);
});
