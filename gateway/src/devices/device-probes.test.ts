import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { UnavailableError } from "../foundation/errors.ts";
import { DeviceProbes, probeTimes } from "./device-probes.ts";
import { Registry } from "./registry.ts";
import type { DeviceStats } from "./verbs/stats.ts";

const key = "default/lamp";
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One online device, asked by probes whose answers the test gives. */
function bed(capabilities: readonly string[] = ["time", "stats"]) {
  const clock = new ManualClock();
  const registry = new Registry(() => clock.wallMs());
  const asked: string[] = [];
  const answers = { skewMs: 0, away: false, stats: { atMs: 0, tasks: [] } as DeviceStats };
  const answer = async <T>(what: string, value: () => T): Promise<T> => {
    asked.push(what);
    if (answers.away) throw new UnavailableError("DEVICE_OFFLINE", "away");
    return value();
  };
  const probes = new DeviceProbes({
    registry,
    clock,
    clockSkew: () => answer("time", () => answers.skewMs),
    stats: { stats: () => answer("stats", () => answers.stats) },
    fetchInfo: () => answer("info", () => undefined),
    random: () => 0.5,
  });
  registry.admit({ namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false });
  registry.learn(key, { phase: "Online", boot: 1, capabilities });
  probes.start();
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  return { clock, registry, asked, answers, probes, pass, found: () => registry.get(key)?.probe };
}

const first = probeTimes.firstMs + probeTimes.firstSpreadMs / 2;

test("a device is looked at some time after it came, and then every hour", async () => {
  const t = bed();
  t.answers.skewMs = -7_000;
  t.answers.stats = {
    atMs: 0,
    filesTotalBytes: 1_000,
    filesFreeBytes: 10,
    tasks: [{ stackFreeBytes: 400 }, { stackFreeBytes: 96 }, {}],
  };
  await t.pass(first - 1);
  assert.deepEqual(t.asked, []);
  await t.pass(1);
  assert.deepEqual(t.asked, ["time", "stats"]);
  assert.deepEqual(t.found(), {
    clockSkewMs: -7_000,
    minStackFreeBytes: 96,
    filesTotalBytes: 1_000,
    filesFreeBytes: 10,
  });
  await t.pass(probeTimes.everyMs - 1);
  assert.equal(t.asked.length, 2);
  await t.pass(1);
  assert.equal(t.asked.length, 4);
  t.probes[Symbol.dispose]();
});

test("a device that cannot tell is not asked, and one that does not answer keeps what was known", async () => {
  const t = bed([]);
  await t.pass(first);
  assert.deepEqual(t.asked, []);
  t.registry.learn(key, { boot: 2, capabilities: ["time"] });
  t.answers.skewMs = 3;
  await t.pass(first);
  assert.deepEqual(t.found(), { clockSkewMs: 3 });
  t.answers.away = true;
  await t.pass(probeTimes.everyMs);
  assert.deepEqual(t.asked, ["time", "time"]);
  assert.deepEqual(t.found(), { clockSkewMs: 3 });
  t.probes[Symbol.dispose]();
});

test("a firmware on probation is looked at every minute until it is confirmed", async () => {
  const t = bed([]);
  t.registry.learn(key, { firmware: { text: "blinky 2", state: "probation" } });
  await t.pass(first);
  await t.pass(probeTimes.onProbationMs);
  assert.deepEqual(t.asked, ["info", "info"]);
  t.registry.learn(key, { firmware: { text: "blinky 2", state: "confirmed" } });
  await t.pass(probeTimes.onProbationMs);
  await t.pass(probeTimes.everyMs);
  assert.equal(t.asked.length, 2);
  t.probes[Symbol.dispose]();
});

test("nobody is asked who is away, nor after the end", async () => {
  const t = bed();
  t.registry.learn(key, { phase: "Offline" });
  await t.pass(probeTimes.everyMs * 2);
  assert.deepEqual(t.asked, []);
  t.registry.learn(key, { phase: "Online" });
  t.probes[Symbol.dispose]();
  await t.pass(probeTimes.everyMs * 2);
  assert.deepEqual(t.asked, []);
});
