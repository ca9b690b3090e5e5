import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { createLogger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Reconcile, WorkQueue } from "./workqueue.ts";

function build(options: { workers?: number; lowWorkers?: number; maxItems?: number } = {}) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const queue = new WorkQueue({
    clock,
    metrics,
    log: createLogger({ level: "silent" }),
    random: () => 0,
    ...options,
  });
  return { clock, metrics, queue };
}

/** A reconcile that ends only when told to. */
function gated() {
  const calls: string[] = [];
  const waiting: (() => void)[] = [];
  const reconcile: Reconcile = async (key) => {
    calls.push(key);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return undefined;
  };
  return { calls, reconcile, release: () => waiting.shift()?.() };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a key added many times before it runs is reconciled once", async () => {
  const { queue } = build();
  const runs: string[] = [];
  const work = queue.register("w", "high", async (key) => void runs.push(key) as undefined);
  for (let i = 0; i < 10; i++) work.add("a");
  queue.start();
  await turn();
  assert.deepEqual(runs, ["a"]);
});

test("a key added while it runs is reconciled once more, never twice at a time", async () => {
  const { queue } = build();
  const gate = gated();
  const work = queue.register("w", "high", gate.reconcile);
  queue.start();
  work.add("a");
  work.add("a");
  work.add("a");
  await turn();
  assert.deepEqual(gate.calls, ["a"]);
  gate.release();
  await turn();
  assert.deepEqual(gate.calls, ["a", "a"]);
  gate.release();
  await turn();
  assert.deepEqual(gate.calls, ["a", "a"]);
});

test("high work overtakes low work, and low work leaves workers free", async () => {
  const { queue } = build({ workers: 2, lowWorkers: 1 });
  const low = gated();
  const high = gated();
  const lowWork = queue.register("low", "low", low.reconcile);
  const highWork = queue.register("high", "high", high.reconcile);
  queue.start();
  lowWork.add("1");
  lowWork.add("2");
  highWork.add("3");
  await turn();
  assert.deepEqual([low.calls, high.calls], [["1"], ["3"]]);
  low.release();
  await turn();
  assert.deepEqual(low.calls, ["1", "2"]);
});

test("a failing key is retried with growing waits, and news does not shorten them", async () => {
  const { queue, clock, metrics } = build();
  let calls = 0;
  const work = queue.register("w", "high", async () => {
    calls += 1;
    throw new Error("no");
  });
  queue.start();
  work.add("a");
  await turn();
  work.add("a");
  await turn();
  assert.equal(calls, 1);
  for (const waitMs of [100, 200, 400]) {
    const before: number = calls;
    clock.advance(waitMs - 1);
    await turn();
    assert.equal(calls, before);
    clock.advance(1);
    await turn();
    assert.equal(calls, before + 1);
  }
  assert.equal(await metrics.valueOf("motelet_workqueue_retries_total", { work: "w" }), 4);
});

test("a timed second look comes when due, or at once on news", async () => {
  const { queue, clock } = build();
  let calls = 0;
  const work = queue.register("w", "high", async () => {
    calls += 1;
    return 1_000;
  });
  queue.start();
  work.add("a");
  await turn();
  clock.advance(999);
  await turn();
  assert.equal(calls, 1);
  clock.advance(1);
  await turn();
  assert.equal(calls, 2);
  work.add("a");
  await turn();
  assert.equal(calls, 3);
});

test("keys at the bound are kept, one past it is dropped and counted", async () => {
  const { queue, metrics } = build({ maxItems: 2 });
  const runs: string[] = [];
  const work = queue.register("w", "high", async (key) => void runs.push(key) as undefined);
  for (const key of ["a", "b", "c"]) work.add(key);
  queue.start();
  await turn();
  assert.deepEqual(runs, ["a", "b"]);
  assert.equal(await metrics.valueOf("motelet_workqueue_dropped_total"), 1);
});

test("disposal aborts what runs and waits for it", async () => {
  const { queue } = build();
  let ended = false;
  const work = queue.register("w", "high", async (_key, signal) => {
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    ended = true;
    return undefined;
  });
  queue.start();
  work.add("a");
  await turn();
  await queue[Symbol.asyncDispose]();
  assert.equal(ended, true);
});

test("what comes last waits for all other work, and takes no more workers than low work", async () => {
  const { queue } = build({ workers: 2, lowWorkers: 1 });
  const order: string[] = [];
  const note = (name: string) => async () => void order.push(name) as undefined;
  const gate = gated();
  const last = queue.register("last", "last", gate.reconcile);
  last.add("a");
  last.add("b");
  const low = queue.register("low", "low", note("low"));
  const high = queue.register("high", "high", note("high"));
  low.add("a");
  high.add("a");
  queue.start();
  await turn();
  assert.deepEqual(order, ["high", "low"]);
  assert.deepEqual(gate.calls, ["a"]);
  low.add("b");
  high.add("b");
  await turn();
  assert.deepEqual(order, ["high", "low", "high"]);
  gate.release();
  await turn();
  assert.deepEqual(order, ["high", "low", "high", "low"]);
  assert.deepEqual(gate.calls, ["a", "b"]);
  gate.release();
});
