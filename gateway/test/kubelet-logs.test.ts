import assert from "node:assert/strict";
import { get as httpsGet } from "node:https";
import { test } from "node:test";
import type { DeviceLogReader, LogEntry, LogQuery } from "../src/devices/device-log.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 20_000 };
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
