import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { UnavailableError } from "../../foundation/errors.ts";
import { Metrics } from "../../foundation/metrics.ts";
import type { DeviceSample } from "../device.ts";
import { Registry } from "../registry.ts";
import type { DeviceStats } from "../verbs/stats.ts";
import { answerWithinMs, askEveryMs, UsageSamples } from "./usage.ts";

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
const signal = new AbortController().signal;

/** A registry with online devices d0… and a stats verb whose answers the test gives. */
function bed(count = 1, options: { maxAsking?: number; maxWaiting?: number } = {}) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const registry = new Registry(() => clock.wallMs());
  const asked: { key: string; answer: (told: Partial<DeviceStats>) => void; fail: () => void }[] = [];
  const stats = {
    stats: (key: string) =>
      new Promise<DeviceStats>((resolve, reject) => {
        asked.push({
          key,
          answer: (told) => resolve({ atMs: clock.wallMs(), tasks: [], ...told }),
          fail: () => reject(new UnavailableError("DEVICE_OFFLINE", "away")),
        });
      }),
  };
  const usage = new UsageSamples({ registry, stats, clock, metrics, ...options });
  for (let i = 0; i < count; i++) {
    const name = `d${i}`;
    registry.admit({ namespace: "default", name, uid: `u${i}`, nodeName: name, paused: false });
    registry.learn(`default/${name}`, {
      phase: "Online",
      boot: 1,
      capabilities: ["stats"],
      hardware: { ramBytes: 100_000 },
    });
  }
  usage.start();
  const beat = (figures: Partial<DeviceSample>, key = "default/d0") =>
    registry.learn(key, { sample: { atMs: clock.wallMs(), ...figures } });
  return { clock, metrics, registry, usage, asked, beat, read: () => usage.read("default/d0", signal) };
}

test("a device that counts is asked, and its RAM without free heap is what it uses", async () => {
  const t = bed();
  const reading = t.read();
  t.asked[0]?.answer({ cpuMs: 4_000, heapTotalBytes: 60_000, heapFreeBytes: 40_000, filesTotalBytes: 9 });
  const usage = await reading;
  assert.deepEqual(usage, {
    atMs: t.clock.wallMs(),
    cpuMs: 4_000,
    bootCpuMs: 4_000,
    memoryBytes: 60_000,
    memoryFreeBytes: 40_000,
    filesTotalBytes: 9,
  });
});

test("a device is asked every 10 s and no sooner, however many read, and by nobody when nobody reads", async () => {
  const t = bed();
  const readings = [t.read(), t.read(), t.read()];
  assert.equal(t.asked.length, 1);
  t.asked[0]?.answer({ cpuMs: 1 });
  const [first, , third] = await Promise.all(readings);
  assert.deepEqual(first, third);
  t.clock.advance(askEveryMs - 1);
  await t.read();
  assert.equal(t.asked.length, 1);
  t.clock.advance(1);
  const again = t.read();
  assert.equal(t.asked.length, 2);
  t.asked[1]?.answer({ cpuMs: 101 });
  assert.equal((await again)?.cpuCores, 0.01);
  t.clock.advance(10 * askEveryMs);
  assert.equal(t.asked.length, 2);
});

test("a device that does not answer in time is judged by its beats, and its late answer counts later", async () => {
  const t = bed();
  t.beat({ heapFreeBytes: 30_000, cpuPercent: 10 });
  t.clock.advance(10_000);
  t.beat({ heapFreeBytes: 20_000, cpuPercent: 50 });
  const reading = t.read();
  t.clock.advance(answerWithinMs);
  const usage = await reading;
  assert.deepEqual([usage?.cpuMs, usage?.memoryBytes], [5_000, 80_000]);
  t.asked[0]?.answer({ cpuMs: 7_000, heapFreeBytes: 10_000 });
  await settle();
  assert.deepEqual([(await t.read())?.cpuMs, (await t.read())?.memoryBytes], [7_000, 90_000]);
});

test("the count goes on over a reboot, that of the boot begins anew, and an answer of the boot before is not taken", async () => {
  const t = bed();
  const first = t.read();
  t.asked[0]?.answer({ cpuMs: 9_000 });
  await first;
  t.clock.advance(askEveryMs);
  const late = t.read();
  t.registry.learn("default/d0", { boot: 2 });
  t.asked[1]?.answer({ cpuMs: 19_000 });
  assert.equal(await late, undefined);
  t.clock.advance(askEveryMs);
  const second = t.read();
  t.asked[2]?.answer({ cpuMs: 300 });
  const usage = await second;
  assert.deepEqual([usage?.cpuMs, usage?.bootCpuMs], [9_300, 300]);
});

test("a device without the stats command is never asked", async () => {
  const t = bed();
  t.registry.learn("default/d0", { capabilities: ["exec"] });
  assert.equal(await t.read(), undefined);
  t.beat({ heapFreeBytes: 30_000 });
  assert.equal((await t.read())?.memoryBytes, 70_000);
  assert.equal(t.asked.length, 0);
});

test("who is offline has no figures, who sleeps has the last ones and is not woken", async () => {
  const t = bed();
  t.beat({ heapFreeBytes: 30_000 });
  t.registry.learn("default/d0", { phase: "Offline" });
  assert.equal(await t.read(), undefined);
  t.registry.learn("default/d0", { phase: "Asleep" });
  assert.equal((await t.read())?.memoryFreeBytes, 30_000);
  assert.equal(t.asked.length, 0);
  t.registry.remove("default/d0");
  assert.equal(await t.read(), undefined);
});

test("as many devices as the bound are asked at a time, as many wait as may, one more is judged by its beats", async () => {
  const t = bed(4, { maxAsking: 1, maxWaiting: 2 });
  for (let i = 0; i < 4; i++) t.beat({ heapFreeBytes: 1 }, `default/d${i}`);
  const readings = [0, 1, 2, 3].map((i) => t.usage.read(`default/d${i}`, signal));
  await settle();
  assert.deepEqual(
    t.asked.map(({ key }) => key),
    ["default/d0"],
  );
  assert.equal((await readings[3])?.cpuMs, 0);
  assert.equal(await t.metrics.valueOf("motelet_usage_samples_total", { result: "busy" }), 1);
  for (let i = 0; i < 3; i++) {
    assert.equal(t.asked.length, i + 1);
    if (i === 1) t.asked[i]?.fail();
    else t.asked[i]?.answer({ cpuMs: 5 });
    await settle();
  }
  assert.deepEqual(
    (await Promise.all(readings)).map((usage) => usage?.cpuMs),
    [5, 0, 5, 0],
  );
  assert.equal(await t.metrics.valueOf("motelet_usage_samples_total", { result: "failed" }), 1);
});

test("a reader that goes away waits no longer", async () => {
  const t = bed();
  t.beat({ heapFreeBytes: 1 });
  const gone = new AbortController();
  const reading = t.usage.read("default/d0", gone.signal);
  gone.abort();
  assert.equal((await reading)?.memoryFreeBytes, 1);
});
