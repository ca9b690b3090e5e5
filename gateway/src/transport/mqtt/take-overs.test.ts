import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { TakeOvers } from "./take-overs.ts";

const limits = { takeOverBurst: 3, takeOverRefillMs: 10_000, takeOverSilentMs: 15_000 };

/** How many of `count` take-overs of a connection that spoke just now are allowed. */
function allowed(takeOvers: TakeOvers, clock: ManualClock, count: number, wireId = "lamp"): number {
  return Array.from({ length: count }, () => takeOvers.allow(wireId, clock.monotonicMs())).filter(Boolean)
    .length;
}

test("a burst is allowed at once, then one each time that it refills, however many come", () => {
  const clock = new ManualClock();
  const takeOvers = new TakeOvers(limits, clock);
  assert.equal(allowed(takeOvers, clock, 50), 3);
  clock.advance(9_999);
  assert.equal(allowed(takeOvers, clock, 50), 0);
  clock.advance(1);
  assert.equal(allowed(takeOvers, clock, 50), 1);
  clock.advance(3_600_000);
  assert.equal(allowed(takeOvers, clock, 50), 3);
});

test("wire ids do not share a bound, and one without a connection is forgotten", () => {
  const clock = new ManualClock();
  const takeOvers = new TakeOvers(limits, clock);
  assert.equal(allowed(takeOvers, clock, 5), 3);
  assert.equal(allowed(takeOvers, clock, 5, "door"), 3);
  takeOvers.forget("lamp");
  assert.equal(allowed(takeOvers, clock, 5), 3);
  assert.equal(allowed(takeOvers, clock, 5, "door"), 0);
});

test("a connection is silent from the limit on, not a millisecond before", () => {
  const clock = new ManualClock();
  const takeOvers = new TakeOvers({ ...limits, takeOverBurst: 1, takeOverRefillMs: 3_600_000 }, clock);
  assert.equal(takeOvers.allow("lamp", 0), true);
  clock.advance(14_999);
  assert.equal(takeOvers.allow("lamp", 0), false);
  clock.advance(1);
  assert.equal(takeOvers.allow("lamp", 0), true);
});
