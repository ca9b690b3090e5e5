import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CpuCounter } from "./cpu-counter.ts";

test("what the device counts is taken as it is, and a new boot adds to what was before", () => {
  const cpu = new CpuCounter();
  cpu.begin(1);
  cpu.tell(1_000);
  cpu.tell(1_500);
  assert.deepEqual([cpu.totalMs, cpu.bootMs], [1_500, 1_500]);
  cpu.begin(2);
  assert.deepEqual([cpu.totalMs, cpu.bootMs], [1_500, 0]);
  cpu.tell(200);
  assert.deepEqual([cpu.totalMs, cpu.bootMs], [1_700, 200]);
});

test("percentages count until the device tells its own count, which then holds", () => {
  const cpu = new CpuCounter();
  cpu.integrate(50, 10_000);
  cpu.begin(1);
  assert.deepEqual([cpu.totalMs, cpu.bootMs], [5_000, 5_000]);
  cpu.tell(4_000);
  assert.equal(cpu.totalMs, 5_000);
  cpu.tell(6_000);
  assert.equal(cpu.totalMs, 7_000);
  cpu.integrate(100, 10_000);
  assert.equal(cpu.totalMs, 7_000);
});

test("a percentage beyond its range counts as its end", () => {
  const cpu = new CpuCounter();
  cpu.integrate(101, 1_000);
  cpu.integrate(-1, 1_000);
  cpu.integrate(50, -1_000);
  assert.equal(cpu.totalMs, 1_000);
});

test("whatever devices say in whatever order, neither count goes back within a boot, the total never", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("tell" as const), ms: fc.nat(10_000) }),
    fc.record({ kind: fc.constant("integrate" as const), ms: fc.integer({ min: -100, max: 10_000 }) }),
    fc.record({ kind: fc.constant("begin" as const), ms: fc.nat(3) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), (steps) => {
      const cpu = new CpuCounter();
      let [total, boot] = [0, 0];
      for (const { kind, ms } of steps) {
        if (kind === "tell") cpu.tell(ms);
        else if (kind === "integrate") cpu.integrate(30, ms);
        else {
          cpu.begin(ms);
          boot = Math.min(boot, cpu.bootMs);
        }
        assert.ok(cpu.totalMs >= total && cpu.bootMs >= boot);
        [total, boot] = [cpu.totalMs, cpu.bootMs];
      }
    }),
  );
});
