import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { createLogger } from "./log.ts";
import { Metrics } from "./metrics.ts";
import { type Lane, patienceMs, type Reconcile, WorkQueue } from "./workqueue.ts";

function build({ workers, ...options }: { workers?: number; reserve?: number; maxItems?: number } = {}) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const queue = new WorkQueue({
    clock,
    metrics,
    log: createLogger({ level: "silent" }),
    random: () => 0,
    ...(workers === undefined ? {} : { workers: () => workers }),
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
  const { queue } = build({ workers: 2, reserve: 1 });
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
  const { queue } = build({ workers: 2, reserve: 1 });
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

/** A queue with one worker and more high work than it can do, and what was started in which lane. */
function flooded(starved: readonly Lane[]) {
  const t = build({ workers: 1, reserve: 0 });
  const started: string[] = [];
  const ended: (() => void)[] = [];
  const works = new Map(
    (["high", ...starved] as const).map((lane) => [
      lane,
      t.queue.register(lane, lane, async () => {
        started.push(lane);
        await new Promise<void>((resolve) => ended.push(resolve));
        return undefined;
      }),
    ]),
  );
  for (const [lane, work] of works) for (let key = 0; key < 1_000; key++) work.add(`${lane}${key}`);
  t.queue.start();
  const run = async (count: number) => {
    started.length = 0;
    for (let end = 0; end < count; end++) {
      ended.shift()?.();
      await turn();
    }
    return (lane: Lane) => started.filter((each) => each === lane).length;
  };
  return { ...t, run };
}

test("a lane that is not served for 10 s gets its share, and no more than that, while high work never ends", async () => {
  const t = flooded(["middle", "low", "last"]);
  let count = await t.run(64);
  assert.deepEqual([count("high"), count("middle"), count("low"), count("last")], [64, 0, 0, 0]);
  t.clock.advance(patienceMs);
  count = await t.run(160);
  assert.deepEqual([count("high"), count("middle"), count("low"), count("last")], [110, 20, 20, 10]);
});

test("high work has all workers where nobody has waited for long, and all but the shares of those who have", async () => {
  const t = flooded(["last"]);
  t.clock.advance(patienceMs - 1);
  let count = await t.run(32);
  assert.equal(count("last"), 0);
  t.clock.advance(1);
  count = await t.run(160);
  assert.deepEqual([count("high"), count("last")], [150, 10]);
});

test("the oldest key of each lane and the workers are measured", async () => {
  const { queue, clock, metrics } = build({ workers: 3 });
  const gate = gated();
  const work = queue.register("w", "low", gate.reconcile);
  const oldest = (lane: Lane) => metrics.valueOf("motelet_workqueue_oldest_seconds", { lane });
  work.add("a");
  clock.advance(2_000);
  work.add("b");
  clock.advance(3_000);
  assert.deepEqual([await oldest("low"), await oldest("high")], [5, 0]);
  assert.equal(await metrics.valueOf("motelet_workqueue_workers"), 3);
  queue.start();
  await turn();
  assert.equal(await oldest("low"), 3, "one worker is free for others than high work");
  gate.release();
  await turn();
  assert.equal(await oldest("low"), 0);
});

test("as many run as there are workers at that moment", async () => {
  let workers = 1;
  const clock = new ManualClock();
  const log = createLogger({ level: "silent" });
  const queue = new WorkQueue({ clock, log, metrics: new Metrics(), workers: () => workers });
  const gate = gated();
  const work = queue.register("w", "high", gate.reconcile);
  queue.start();
  for (const key of ["a", "b", "c", "d", "e"]) work.add(key);
  await turn();
  assert.equal(gate.calls.length, 1);
  workers = 3;
  gate.release();
  await turn();
  assert.equal(gate.calls.length, 4);
  workers = 1;
  gate.release();
  gate.release();
  await turn();
  assert.equal(gate.calls.length, 4, "those that run end, and none begins");
});
