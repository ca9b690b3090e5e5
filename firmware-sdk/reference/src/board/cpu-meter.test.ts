import assert from "node:assert/strict";
import { test } from "node:test";
import { CpuMeter } from "./cpu-meter.ts";

test("time counts for the innermost part, and all of it for the device", () => {
  let nowMs = 100;
  const meter = new CpuMeter(() => nowMs);
  const [outer, inner] = [
    { name: "outer", busyMs: 0 },
    { name: "inner", busyMs: 0 },
  ];
  meter.measure(outer, () => {
    nowMs += 5;
    assert.equal(meter.totalMs, 5);
    meter.measure(inner, () => {
      nowMs += 7;
      assert.equal(meter.running, inner);
    });
    nowMs += 11;
  });
  nowMs += 1_000;
  assert.deepEqual([outer.busyMs, inner.busyMs, meter.totalMs], [16, 7, 23]);
  assert.throws(() =>
    meter.measure(inner, () => {
      nowMs += 1;
      throw new RangeError("failed");
    }),
  );
  assert.deepEqual([inner.busyMs, meter.totalMs, meter.running], [8, 24, undefined]);
});
