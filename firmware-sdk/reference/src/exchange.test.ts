import assert from "node:assert/strict";
import { test } from "node:test";
import { AtMostOnceRecord } from "./exchange.ts";

test("the record holds 8 bytes of encoded results, and refuses 9", () => {
  const record = new AtMostOnceRecord();
  const answer = { status: 0, result: [new Uint8Array(7)] };
  record.record(1, answer);
  assert.deepEqual(record.judge(1), { kind: "replay", answer });
  assert.throws(() => record.record(2, { status: 0, result: [new Uint8Array(8)] }), RangeError);
});

test("a cleared record takes any id as new", () => {
  const record = new AtMostOnceRecord();
  record.record(9, { status: 0, result: [] });
  assert.deepEqual(record.judge(8), { kind: "old" });
  record.clear();
  assert.deepEqual(record.judge(8), { kind: "new" });
});
