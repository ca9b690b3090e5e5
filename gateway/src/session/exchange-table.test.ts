import assert from "node:assert/strict";
import { test } from "node:test";
import { commands, decodeMessage, type RequestMessage, Status } from "@motelet/profiles";
import { Metrics } from "../foundation/metrics.ts";
import { type ExchangeOutcome, ExchangeTable, exchangeLimits, strikeAfterMs } from "./exchange-table.ts";
import { sessionMeters } from "./session-meters.ts";
import { idBlock, type SessionRecord } from "./session-record.ts";

const { info, ping, reboot, exec } = commands;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function table(options: { storing?: () => Promise<void>; maxMessageBytes?: number; idLimit?: number } = {}) {
  const sent: { atMs: number; request: RequestMessage }[] = [];
  const stored: SessionRecord[] = [];
  const metrics = new Metrics();
  let nowMs = 0;
  const exchanges = new ExchangeTable({
    meters: sessionMeters(metrics),
    send: (bytes) => {
      sent.push({ atMs: nowMs, request: decodeMessage(bytes).message as RequestMessage });
      return true;
    },
    store: async (record) => {
      await options.storing?.();
      stored.push(record);
    },
    wake: () => undefined,
    nowMs: () => nowMs,
    rtoMs: () => 500,
    maxMessageBytes: () => options.maxMessageBytes ?? 128,
  });
  exchanges.begin({ sid: 5, boot: 1, idLimit: options.idLimit ?? idBlock });
  return {
    exchanges,
    sent,
    stored,
    metrics,
    /** Moves time on and polls at each due moment. */
    runTo(untilMs: number) {
      for (let dueMs = exchanges.dueMs; dueMs !== undefined && dueMs <= untilMs; dueMs = exchanges.dueMs) {
        nowMs = dueMs;
        exchanges.poll(nowMs);
      }
      nowMs = untilMs;
    },
    answer: (id: number, status: number = Status.OK) =>
      exchanges.received({ kind: "response", id, status, result: [] }),
  };
}

test("a request is repeated after rto, doubling to eight times, and ends at its deadline", async () => {
  const t = table();
  const outcome = t.exchanges.call(ping.op, []);
  t.runTo(20_000);
  assert.deepEqual(
    t.sent.map(({ atMs }) => atMs),
    [0, 500, 1_500, 3_500, 7_500],
  );
  assert.equal((await outcome).status, Status.DEADLINE_EXCEEDED);
  assert.equal(t.exchanges.outstanding, 0);
  assert.equal(await t.metrics.valueOf("motelet_requests_repeated_total"), 4);
});

test("a response ends its request and no other; one that nobody waits for means nothing", async () => {
  const t = table();
  const [first, second] = [t.exchanges.call(ping.op, []), t.exchanges.call(ping.op, [])];
  t.answer(1, Status.INTERNAL);
  t.answer(77);
  assert.equal((await second).status, Status.INTERNAL);
  t.answer(0);
  assert.equal((await first).status, Status.OK);
});

test("ids ascend from the stored block, and the next block is stored before this one is used up", async () => {
  const t = table({ idLimit: 0xffff });
  const first = 0xffff - idBlock;
  const ids: (number | undefined)[] = [];
  for (let i = 0; i < 3 * idBlock; i++) {
    ids.push(t.exchanges.takeId());
    if (i % 8 === 0) await turn();
  }
  assert.deepEqual(
    ids,
    Array.from({ length: 3 * idBlock }, (_, i) => (first + i) & 0xffff),
  );
  assert.deepEqual(t.stored[0], { sid: 5, boot: 1, idLimit: (0xffff + idBlock) & 0xffff });
});

test("no id is used that is not stored", async () => {
  const t = table({ storing: () => Promise.reject(new Error("disk")) });
  const ids = Array.from({ length: idBlock + 3 }, () => t.exchanges.takeId());
  assert.deepEqual(ids.slice(-4), [idBlock - 1, undefined, undefined, undefined]);
  assert.equal((await t.exchanges.call(ping.op, [])).status, Status.UNAVAILABLE);
});

test("an at-most-once request is stored before it is sent, and one at a time is under way", async () => {
  const t = table();
  const outcomes: ExchangeOutcome[] = [];
  for (const _ of [1, 2]) void t.exchanges.call(reboot.op, []).then((outcome) => outcomes.push(outcome));
  assert.equal(t.sent.length, 0);
  await turn();
  assert.deepEqual(t.stored, [{ sid: 5, boot: 1, idLimit: idBlock, once: { id: 0, op: reboot.op } }]);
  assert.equal(t.sent.length, 1);
  t.answer(0);
  await turn();
  assert.deepEqual([outcomes.length, t.sent.length], [1, 2]);
  assert.deepEqual(t.stored.at(-1)?.once, { id: 1, op: reboot.op });
});

test("an at-most-once request that has ended is struck from the store after a second, or when the device is lost", async () => {
  const t = table();
  const ended = async (id: number) => {
    const outcome = t.exchanges.call(exec.op, []);
    while (t.sent.length <= id) await turn();
    t.answer(id);
    await outcome;
  };
  await ended(0);
  await ended(1);
  assert.deepEqual(
    t.stored.map(({ once }) => once?.id),
    [0, 1],
  );
  assert.equal(t.exchanges.dueMs, strikeAfterMs);
  t.runTo(strikeAfterMs - 1);
  await turn();
  assert.equal(t.stored.length, 2);
  t.runTo(strikeAfterMs);
  await turn();
  assert.deepEqual(t.stored[2], { sid: 5, boot: 1, idLimit: idBlock });
  assert.equal(t.exchanges.dueMs, undefined);

  await ended(2);
  t.exchanges.failAll("the device is lost");
  await turn();
  assert.deepEqual(
    t.stored.map(({ once }) => once?.id),
    [0, 1, undefined, 2, undefined],
  );
});

test("an at-most-once request that is under way when the device is lost stays in the store", async () => {
  const t = table();
  const outcome = t.exchanges.call(exec.op, []);
  while (t.sent.length === 0) await turn();
  t.exchanges.failAll("the device is lost");
  await outcome;
  await turn();
  assert.deepEqual(
    t.stored.map(({ once }) => once?.id),
    [0],
  );
});

test("an at-most-once request that cannot be stored is not sent", async () => {
  const t = table({ storing: () => Promise.reject(new Error("disk")) });
  assert.equal((await t.exchanges.call(reboot.op, [])).status, Status.UNAVAILABLE);
  assert.equal(t.sent.length, 0);
});

test("a new boot ends a reboot as OK and anything else as ABORTED, effect unknown", async () => {
  const t = table();
  const rebooted = t.exchanges.call(reboot.op, []);
  await turn();
  t.exchanges.abortAll(true);
  assert.equal((await rebooted).status, Status.OK);

  const other = table();
  const args = exec.encodeRequest({ stream: 1, stderrStream: 0, flags: 0, argv: ["x"] });
  const started = other.exchanges.call(exec.op, args);
  await turn();
  other.exchanges.abortAll(true);
  assert.deepEqual(await started, {
    status: Status.ABORTED,
    result: [],
    message: "the device has rebooted",
    effectUnknown: true,
  });
});

test("what has no effect is not said to have an unknown one, nor what was never sent", async () => {
  const t = table();
  const asked = t.exchanges.call(info.op, []);
  const [first, second] = [t.exchanges.call(reboot.op, []), t.exchanges.call(reboot.op, [])];
  await turn();
  t.exchanges.abortAll(false);
  assert.deepEqual(await asked, {
    status: Status.ABORTED,
    result: [],
    message: "the device has lost its session",
  });
  assert.equal((await first).effectUnknown, true);
  assert.equal((await second).effectUnknown, undefined);
});

test("what waits for its turn is not sent into another session", async () => {
  const t = table();
  const [first, second] = [t.exchanges.call(reboot.op, []), t.exchanges.call(reboot.op, [])];
  await turn();
  t.exchanges.failAll("gone");
  assert.deepEqual([(await first).status, (await second).status], [Status.UNAVAILABLE, Status.UNAVAILABLE]);
  assert.equal(t.sent.length, 1);
});

test("requests at the bound are sent, one past it is refused and counted", async () => {
  const t = table();
  for (let i = 0; i < exchangeLimits.outstanding; i++) void t.exchanges.call(ping.op, []);
  assert.equal(t.sent.length, exchangeLimits.outstanding);
  assert.equal((await t.exchanges.call(ping.op, [])).status, Status.RESOURCE_EXHAUSTED);
  assert.equal(await t.metrics.valueOf("motelet_requests_refused_total"), 1);
});

test("commands that wait at the bound are kept, one past it is refused", async () => {
  const t = table();
  for (let i = 0; i < exchangeLimits.waitingAtMostOnce; i++) void t.exchanges.call(reboot.op, []);
  assert.equal((await t.exchanges.call(reboot.op, [])).status, Status.RESOURCE_EXHAUSTED);
});

test("a request as long as the device takes is sent, one byte longer is OUT_OF_RANGE", async () => {
  const t = table({ maxMessageBytes: 128 });
  const call = (length: number) =>
    t.exchanges.call(
      exec.op,
      exec.encodeRequest({ stream: 1, stderrStream: 0, flags: 0, argv: ["x".repeat(length)] }),
    );
  void call(118);
  await turn();
  assert.equal(t.sent.length, 1);
  t.answer(0);
  await turn();
  assert.equal((await call(119)).status, Status.OUT_OF_RANGE);
});
