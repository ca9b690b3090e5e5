import assert from "node:assert/strict";
import { get as httpsGet } from "node:https";
import { test } from "node:test";
import {
  DeviceLog,
  type DeviceLogReader,
  type LogEntry,
  type LogQuery,
} from "../src/devices/log/device-log.ts";
import { Registry } from "../src/devices/registry.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { openStore } from "../src/store/store.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };
const path = "/containerLogs/default/lamp/device";
const stampMs = Date.parse("2026-11-21T07:35:00.120Z");
const entry = (text: string): LogEntry => ({ stampMs, text });

/** Gives these batches; the filters of a query are the store's and not done here. */
function logsOf(
  ...batches: readonly (readonly LogEntry[])[]
): DeviceLogReader & { readonly queries: LogQuery[] } {
  const queries: LogQuery[] = [];
  return {
    queries,
    read(_key, query) {
      queries.push(query);
      if (query.previous) return undefined;
      return (async function* () {
        yield* batches;
        if (!query.follow) return;
        await new Promise<void>((resolve) => query.signal.addEventListener("abort", () => resolve()));
      })();
    },
  };
}

const lines = [[entry("boot\n"), entry("ready\n")], [entry("däzzle\n")]];

for (const [query, code, body] of [
  ["", 200, "boot\nready\ndäzzle\n"],
  ["timestamps=true&limitBytes=36", 200, "2026-11-21T07:35:00.120000000Z boot\n"],
  ["timestamps=true&limitBytes=40", 200, "2026-11-21T07:35:00.120000000Z boot\n2026"],
  ["limitBytes=7", 200, "boot\nre"],
  ["stream=Stderr", 200, ""],
  ["previous=true", 400, 'previous terminated container "device" in pod "lamp" not found'],
  ["tailLines=x", 400, '{"message": "Unable to decode query."}'],
  ["tailLines=-1", 422, '{"message": "Invalid request."}'],
] as const) {
  test(`logs with "${query}" answer ${code}`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest({ logs: logsOf(...lines) }).start();
    assert.deepEqual(await kubelet.get(`${path}?${query}`), { code, body });
  });
}

test("tail and since are the store's to apply", deadline, async () => {
  const logs = logsOf();
  await using kubelet = await new KubeletUnderTest({ logs }).start();
  await kubelet.get(`${path}?tailLines=5&sinceTime=2026-11-21T07:00:00Z`);
  assert.equal(logs.queries[0]?.tailLines, 5);
  assert.equal(logs.queries[0]?.sinceMs, Date.parse("2026-11-21T07:00:00Z"));
});

test("an invalid query is told before an unknown pod", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  assert.equal((await kubelet.get("/containerLogs/default/nosuch/device?tailLines=x")).code, 400);
});

test("followed lines come as they are written, and the reader's end ends the reading", deadline, async () => {
  const logs = logsOf(...lines);
  await using kubelet = await new KubeletUnderTest({ logs }).start();
  const first = Promise.withResolvers<string>();
  const sent = httpsGet(kubelet.options(`${path}?follow=true`), (answer) => {
    answer.setEncoding("utf8").once("data", first.resolve);
    answer.on("error", () => undefined);
  });
  assert.match(await first.promise, /^boot\n/);
  const [query] = logs.queries;
  const ended = new Promise<void>((resolve) => query?.signal.addEventListener("abort", () => resolve()));
  sent.on("error", () => undefined);
  sent.destroy();
  await ended;
});

test("a reader that reads nothing stops the reading of the store", deadline, async () => {
  let given = 0;
  const endless: DeviceLogReader = {
    read: (_key, { signal }) =>
      (async function* () {
        const batch = [entry(`${"x".repeat(65_535)}\n`)];
        for (; !signal.aborted && given < 5_000; given++) yield batch;
      })(),
  };
  await using kubelet = await new KubeletUnderTest({ logs: endless }).start();
  const answered = Promise.withResolvers<void>();
  const sent = httpsGet(kubelet.options(path), (answer) => {
    answer.pause();
    answer.on("error", () => undefined);
    answered.resolve();
  });
  sent.on("error", () => undefined);
  await answered.promise;
  let last = -1;
  while (given !== last) {
    last = given;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.ok(given < 1_000, `${given} batches of 64 KiB were read`);
  sent.destroy();
});

test("a peripheral's container runs and says nothing", deadline, async () => {
  await using kubelet = await new KubeletUnderTest({ logs: logsOf(...lines) }).start();
  const spec = kubelet.registry.get("default/lamp")?.spec;
  assert.ok(spec);
  kubelet.registry.admit({ ...spec, peripherals: ["relay0"] });
  const relay = "/containerLogs/default/lamp/relay0";
  assert.deepEqual(await kubelet.get(`${relay}?follow=true`), { code: 200, body: "" });
  assert.deepEqual(await kubelet.get(`${relay}?previous=true`), {
    code: 400,
    body: 'previous terminated container "relay0" in pod "lamp" not found',
  });
});

test("forty followers that do not read cost what is under way to them, whatever the device prints", {
  timeout: 60_000,
}, async () => {
  const store = openStore({ path: ":memory:", metrics: new Metrics(), commitSpacingMs: 0 });
  const registry = new Registry(() => 0);
  registry.admit({ namespace: "default", name: "lamp", uid: "u1", nodeName: "lamp", paused: false });
  registry.learn("default/lamp", { phase: "Online" });
  const logs = new DeviceLog(registry, store.logs);
  await using kubelet = await new KubeletUnderTest({ logs, registry }).start();
  const print = (lines: number) =>
    store.database.write((transaction) =>
      store.logs.append(transaction, "u1", "this", Array(lines).fill(entry(`${"x".repeat(4_095)}\n`))),
    );
  const opened = await Promise.all(
    Array.from({ length: 40 }, () => {
      const { promise, resolve, reject } = Promise.withResolvers<ReturnType<typeof httpsGet>>();
      const sent = httpsGet(kubelet.options(`${path}?follow=true`), (answer) => {
        answer.pause().on("error", () => undefined);
        resolve(sent);
      });
      sent.on("error", reject);
      return promise;
    }),
  );
  const heldBytes = () => {
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    return heapUsed + external + arrayBuffers;
  };
  for (let times = 0; times < 20; times++) await print(16);
  const before = heldBytes();
  // 10 MB, of which the store keeps one.
  for (let times = 0; times < 160; times++) await print(16);
  const grownMb = (heldBytes() - before) / 1e6;
  assert.ok(grownMb < 40 * 0.6, `${grownMb.toFixed(1)} MB more for 10 MB that nobody read`);
  for (const sent of opened) sent.destroy();
});
