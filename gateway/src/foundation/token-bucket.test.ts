import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

test("the burst is free, one past it waits for the refill", () => {
  const bucket = new TokenBucket({ burst: 2, refillMs: 100 }, 0);
  assert.deepEqual([bucket.take(0), bucket.take(0), bucket.take(0)], [0, 0, 100]);
  assert.equal(bucket.take(60), 40);
  assert.equal(bucket.take(100), 0);
});

test("a long pause never earns more than the burst", () => {
  const bucket = new TokenBucket({ burst: 2, refillMs: 100 }, 0);
  assert.deepEqual([bucket.take(90_000), bucket.take(90_000), bucket.take(90_000)], [0, 0, 100]);
});

test("a clock that steps back takes nothing away", () => {
  const bucket = new TokenBucket({ burst: 1, refillMs: 100 }, 1_000);
  assert.equal(bucket.take(500), 0);
});

test("what is given back is free again, and never more than the burst", () => {
  const bucket = new TokenBucket({ burst: 1, refillMs: 100 }, 0);
  bucket.giveBack();
  assert.deepEqual([bucket.take(0), bucket.take(0)], [0, 100]);
  bucket.giveBack();
  assert.equal(bucket.take(0), 0);
});
