import assert from "node:assert/strict";
import { test } from "node:test";
import { AddressBudget } from "./amplification.ts";
import { EchoValues } from "./echo.ts";

test("an address that is not verified receives three times its bytes, and not one more", () => {
  const budget = new AddressBudget();
  assert.equal(budget.take(1), false);
  budget.received(10);
  assert.equal(budget.availableBytes, 30);
  assert.equal(budget.take(31), false);
  assert.equal(budget.take(30), true);
  assert.equal(budget.take(1), false);
  budget.received(1);
  assert.equal(budget.take(3), true);
});

test("a verified address has no limit", () => {
  const budget = new AddressBudget();
  budget.verify();
  assert.equal(budget.take(1_000_000), true);
  assert.equal(budget.availableBytes, Number.POSITIVE_INFINITY);
});

test("an Echo value is fresh for its own subject, for its lifetime", () => {
  const echoes = new EchoValues(new Uint8Array(32).fill(1), 60_000);
  const value = echoes.issue("192.0.2.7:5683", 10_000);
  assert.equal(value.length, 12);
  assert.equal(echoes.isFresh(value, "192.0.2.7:5683", 10_000), true);
  assert.equal(echoes.isFresh(value, "192.0.2.7:5683", 70_000), true);
  assert.equal(echoes.isFresh(value, "192.0.2.7:5683", 70_001), false);
  assert.equal(echoes.isFresh(value, "192.0.2.7:5683", 9_000), false, "from the future");
  assert.equal(echoes.isFresh(value, "192.0.2.7:5684", 10_000), false);
  const other = new EchoValues(new Uint8Array(32).fill(2), 60_000);
  assert.equal(other.isFresh(value, "192.0.2.7:5683", 10_000), false, "of another process");
});

test("an Echo value with one bit changed, cut or extended is not accepted", () => {
  const echoes = new EchoValues(new Uint8Array(32).fill(1), 60_000);
  const value = echoes.issue("a", 0);
  for (let bit = 0; bit < value.length * 8; bit++) {
    const changed = Uint8Array.from(value);
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
    assert.equal(echoes.isFresh(changed, "a", 0), false, `bit ${bit}`);
  }
  assert.equal(echoes.isFresh(value.subarray(1), "a", 0), false);
  assert.equal(echoes.isFresh(Uint8Array.of(...value, 0), "a", 0), false);
  assert.equal(echoes.isFresh(new Uint8Array(0), "a", 0), false);
});
