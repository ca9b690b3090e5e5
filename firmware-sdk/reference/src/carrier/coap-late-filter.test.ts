import assert from "node:assert/strict";
import { test } from "node:test";
import { LateFilter } from "./coap-late-filter.ts";

for (const [bits, newest] of [
  [24, 100],
  [24, 5],
  [40, 2 ** 40 - 1],
] as const)
  test(`of ${bits} bits around ${newest}: each number once, in any order, and none that is 32 behind the newest`, () => {
    const number = (behind: number) => (newest - behind + 2 ** bits) % 2 ** bits;
    const filter = new LateFilter(bits);
    assert.ok(filter.takes(number(40)));
    assert.ok(filter.takes(number(0)));
    assert.ok(!filter.takes(number(0)));
    assert.ok(filter.takes(number(31)));
    assert.ok(!filter.takes(number(31)));
    assert.ok(!filter.takes(number(32)));
    assert.ok(filter.takes(number(-1)));
    assert.ok(!filter.takes(number(31)));
    assert.ok(filter.takes(number(30)));
  });
