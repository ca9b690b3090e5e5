import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { createLogger } from "../foundation/log.ts";
import { Metrics } from "../foundation/metrics.ts";
import { WorkQueue } from "../foundation/workqueue.ts";
import { KubeApiError } from "./errors.ts";
import { EventRecorder } from "./event-recorder.ts";
import type { KubeClient } from "./kube-client.ts";
import type { KubeObject } from "./objects.ts";

/** A recorder whose Events come to a list of names; a name that is there already is refused. */
async function setUp() {
  const stack = new AsyncDisposableStack();
  const clock = new ManualClock();
  const metrics = new Metrics();
  const names = new Set<string>();
  const api = { tries: 0, status: 200 };
  const create = async (_path: string, { metadata }: KubeObject) => {
    api.tries += 1;
    const status = names.has(metadata.name) ? 409 : api.status;
    if (status !== 200) throw new KubeApiError(status, { kind: "Status" }, metadata.name);
    names.add(metadata.name);
  };
  const kube = { create } as unknown as KubeClient;
  const queue = stack.use(new WorkQueue({ clock, log: createLogger({ level: "silent" }), metrics }));
  queue.start();
  const recorder = new EventRecorder({ kube, clock, queue, metrics, component: "motelet" });
  const record = (name: string, message: string) =>
    recorder.record(
      { apiVersion: "motelet.dev/v1alpha1", kind: "Device", namespace: "default", name, uid: `uid-${name}` },
      { type: "Normal", reason: "Online", message },
    );
  return {
    clock,
    record,
    names,
    api,
    dropped: (cause: string) => metrics.valueOf("motelet_events_dropped_total", { cause }),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

test("a subject says twenty things at once, one more is dropped and counted, and half a minute later it is heard again", async () => {
  await using t = await setUp();
  for (let index = 0; index < 20; index++) t.record("lamp", `thing ${index}`);
  await until("twenty Events", () => t.names.size === 20);
  assert.equal(await t.dropped("rate"), 0);
  t.record("lamp", "thing 20");
  assert.equal(await t.dropped("rate"), 1);
  t.record("fan", "another subject");
  t.clock.advance(30_000);
  t.record("lamp", "thing 21");
  await until("both", () => t.names.size === 22);
});

test("as many subjects as are remembered can say two things at one moment, and one more", async () => {
  await using t = await setUp();
  for (let index = 0; index < 4_096; index++) t.record(`mote-${index}`, "it is there");
  await until("all of them", () => t.names.size === 4_096);
  t.record("lamp", "it is there");
  t.record("lamp", "it began anew");
  await until("both", () => t.names.size === 4_098);
  assert.equal(await t.dropped("refused"), 0);
});

test("after an error of the API server a write is tried four times, after a refusal once", async () => {
  await using t = await setUp();
  t.api.status = 503;
  t.record("lamp", "it is there");
  for (let tries = 1; tries <= 4; tries++) {
    await until(`try ${tries}`, () => t.api.tries === tries);
    await new Promise((resolve) => setImmediate(resolve));
    t.clock.advance(1_000);
  }
  await until("it to be given up", async () => (await t.dropped("refused")) === 1);
  t.api.status = 403;
  t.record("fan", "it is there");
  await until("it to be refused", async () => (await t.dropped("refused")) === 2);
  t.clock.advance(10_000);
  assert.equal(t.api.tries, 5);
});
