import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { afterFlush } from "./after-flush.ts";
import { FloodMeter } from "./flood-meter.ts";
import { IdleTimer } from "./idle-timer.ts";

test("idle: a touch starts the time again, and it ends once", () => {
  const clock = new ManualClock();
  let idle = 0;
  const timer = new IdleTimer(clock, 1_000, () => {
    idle += 1;
  });
  timer.start();
  clock.advance(999);
  timer.touch();
  clock.advance(999);
  assert.equal(idle, 0);
  clock.advance(1);
  assert.equal(idle, 1);
  clock.advance(10_000);
  assert.equal(idle, 1);
});

test("flood: as many as the limit in a window, one more is too many, the next window starts afresh", () => {
  const clock = new ManualClock();
  const meter = new FloodMeter(clock, 3, 1_000);
  assert.deepEqual([meter.take(), meter.take(), meter.take(), meter.take()], [true, true, true, false]);
  clock.advance(1_000);
  assert.equal(meter.take(), true);
});

test("after the flush: the grace begins when the last byte has left", () => {
  const clock = new ManualClock();
  const socket = { writableLength: 10 };
  let called = 0;
  afterFlush(socket, clock, { graceMs: 1_000, flushTimeoutMs: 60_000 }, () => {
    called += 1;
  });
  clock.advance(30_000);
  socket.writableLength = 0;
  clock.advance(250);
  assert.equal(called, 0);
  clock.advance(1_000);
  assert.equal(called, 1);
});

test("after the flush: a client that reads nothing is not waited for longer than the timeout", () => {
  const clock = new ManualClock();
  let called = 0;
  const waits = { graceMs: 1_000, flushTimeoutMs: 60_000 };
  afterFlush({ writableLength: 10 }, clock, waits, () => {
    called += 1;
  });
  clock.advance(59_999);
  assert.equal(called, 0);
  clock.advance(1);
  assert.equal(called, 1);
  const cancelled = afterFlush({ writableLength: 0 }, clock, waits, () => {
    called += 1;
  });
  cancelled.cancel();
  clock.advance(10_000);
  assert.equal(called, 1);
});
