import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { openStore } from "../../store/store.ts";
import { Registry } from "../registry.ts";
import { ConsoleText, consoleDropCounter, lineWaitMs, maxPendingText } from "./console-text.ts";
import { DeviceLog, type LogQuery } from "./device-log.ts";

const key = "default/lamp";
const spec = { namespace: "default", name: "lamp", uid: "u1", nodeName: "lamp", paused: false };
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function bed() {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const store = openStore({ path: ":memory:", metrics, clock, commitSpacingMs: 0 });
  const registry = new Registry(() => 0);
  registry.admit(spec);
  const reader = new DeviceLog(registry, store.logs);
  const read = async (query: Partial<LogQuery> = {}) => {
    const signal = AbortSignal.timeout(30_000);
    const batches = reader.read(key, { previous: false, follow: false, signal, ...query });
    return batches && (await Array.fromAsync(batches)).flat().map((entry) => entry.text);
  };
  return {
    clock,
    metrics,
    store,
    registry,
    reader,
    read,
    append: (...lines: [text: string, stampMs: number][]) =>
      store.database.write((tx) =>
        store.logs.append(
          tx,
          "u1",
          "this",
          lines.map(([text, stampMs]) => ({ text, stampMs })),
        ),
      ),
    console: new ConsoleText({ device: "u1", store, clock, dropped: consoleDropCounter(metrics) }),
    commit: async () => {
      store.database.flush();
      await settle();
    },
  };
}

test("a log is read whole, from its tail, and since an instant; the tail is taken first", async () => {
  const t = bed();
  await t.append(["a\n", 100], ["b\n", 200], ["late report\n", 50], ["c\n", 300]);
  assert.deepEqual(await t.read(), ["a\n", "b\n", "late report\n", "c\n"]);
  assert.deepEqual(await t.read({ tailLines: 2 }), ["late report\n", "c\n"]);
  assert.deepEqual(await t.read({ tailLines: 0 }), []);
  assert.deepEqual(await t.read({ sinceMs: 200 }), ["b\n", "c\n"]);
  assert.deepEqual(await t.read({ tailLines: 2, sinceMs: 200 }), ["c\n"]);
});

test("a long log comes in batches", async () => {
  const t = bed();
  const lines = Array.from({ length: 1_201 }, (_, i) => `${i}\n`);
  await t.append(...lines.map((line): [string, number] => [line, 0]));
  assert.deepEqual(await t.read(), lines);
});

test("a device that nobody knows, and one without an earlier boot, have no such log", async () => {
  const t = bed();
  const signal = AbortSignal.timeout(1_000);
  assert.equal(t.reader.read("default/none", { previous: false, follow: false, signal }), undefined);
  assert.equal(await t.read({ previous: true }), undefined);
  await t.append(["one\n", 0]);
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 1, 1e15));
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 2, 1e15));
  assert.deepEqual(await t.read({ previous: true, follow: true }), ["one\n"]);
  assert.deepEqual(await t.read(), []);
});

test("a follower goes on across a reboot and ends when its device is removed", async () => {
  const t = bed();
  await t.append(["one\n", 0]);
  const following = t.read({ follow: true });
  await settle();
  await t.append(["two\n", 0]);
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 1, 1e15));
  await t.store.database.write((tx) => t.store.logs.beginBoot(tx, "u1", 2, 1e15));
  await t.append(["three\n", 0]);
  await settle();
  t.registry.remove(key);
  assert.deepEqual(await following, ["one\n", "two\n", "three\n"]);
});

test("a follower of a device that goes offline gets its last words, is told, and ends", async () => {
  const t = bed();
  t.registry.learn(key, { phase: "Online", lastSeenMs: Date.parse("2026-11-21T12:00:00Z") });
  await t.append(["one\n", 0]);
  const following = t.read({ follow: true });
  await settle();
  // What its channel held is stored when that closes, just before it is judged.
  t.console.push(Buffer.from("last wor"));
  t.console[Symbol.dispose]();
  t.registry.learn(key, { phase: "Offline" });
  assert.deepEqual(await following, [
    "one\n",
    "last wor",
    "motelet: device default/lamp is offline, last seen 2026-11-21T12:00:00.000Z: nothing more to follow\n",
  ]);
});

test("a follower of a sleeping device waits for it, one of an offline device does not", async () => {
  const t = bed();
  t.registry.learn(key, { phase: "Asleep" });
  await t.append(["one\n", 0]);
  const following = t.read({ follow: true });
  await settle();
  t.registry.learn(key, { phase: "Online" });
  await t.append(["two\n", 0]);
  await settle();
  t.registry.learn(key, { phase: "Offline" });
  const told = /^motelet: device default\/lamp is offline: nothing more to follow\n$/;
  const texts = (await following) ?? [];
  assert.deepEqual(texts.slice(0, -1), ["one\n", "two\n"]);
  assert.match(texts.at(-1) ?? "", told);
  assert.match((await t.read({ follow: true, tailLines: 0 }))?.join("") ?? "", told);
});

test("a line costs a hundred followers of its device one read of the store, and nobody is left behind", async () => {
  const t = bed();
  await t.append(["one\n", 0]);
  const following = Array.from({ length: 100 }, () => t.read({ follow: true, tailLines: 0 }));
  await settle();
  let reads = 0;
  const after = t.store.logs.after.bind(t.store.logs);
  t.store.logs.after = (...args) => {
    reads += 1;
    return after(...args);
  };
  const lines = Array.from({ length: 20 }, (_, i) => `${i}\n`);
  for (const line of lines) {
    await t.append([line, 0]);
    await settle();
  }
  assert.ok(reads <= 2 * lines.length, `${reads} reads`);
  t.registry.remove(key);
  for (const texts of await Promise.all(following)) assert.deepEqual(texts, lines);
});

test("a follower whose signal has already aborted ends at once", async () => {
  const t = bed();
  assert.deepEqual(await t.read({ follow: true, signal: AbortSignal.abort() }), []);
});

test("console text is stored by lines; a line that waits too long for its end is stored as it is", async () => {
  const t = bed();
  t.console.push(Buffer.from("one\ntwo> "));
  await t.commit();
  assert.deepEqual(await t.read(), ["one\n"]);
  t.clock.advance(lineWaitMs - 1);
  await t.commit();
  assert.deepEqual(await t.read(), ["one\n"]);
  t.clock.advance(1);
  await t.commit();
  assert.deepEqual(await t.read(), ["one\n", "two> "]);
});

test("text that waits at the bound is stored, one character past it is dropped and counted", async () => {
  const t = bed();
  t.console.push(Buffer.from(`${"x".repeat(4_095)}\n`.repeat(maxPendingText / 4_096)));
  t.console.push(Buffer.from("\n"));
  await t.commit();
  assert.equal(await t.metrics.valueOf("motelet_console_dropped_total"), 1);
  assert.equal((await t.read())?.length, maxPendingText / 4_096);
  t.console.push(Buffer.from("after\n"));
  await t.commit();
  assert.equal((await t.read())?.at(-1), "after\n");
});

test("what is left of a line is stored when its channel closes", async () => {
  const t = bed();
  t.console.push(Buffer.from("cut off"));
  t.console[Symbol.dispose]();
  await t.commit();
  assert.deepEqual(await t.read(), ["cut off"]);
});
