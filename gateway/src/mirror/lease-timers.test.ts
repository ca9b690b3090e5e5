import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { LeaseTimers } from "./lease-timers.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const everyMs = 20_000;
const deadlineMs = 10_000;

/** Renewals that end when the test says so. */
function build({ places = 2, once = false, forMs = deadlineMs } = {}) {
  const clock = new ManualClock();
  const begun: string[] = [];
  const failures: string[] = [];
  const open = new Map<string, { end: () => void; fail: (error: Error) => void }>();
  const given = { places };
  const timers = new LeaseTimers({
    clock,
    random: () => 0,
    places: () => given.places,
    deadlineMs: forMs,
    renew: (name, signal) => {
      begun.push(name);
      const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
      open.set(name, { end: () => resolve(once ? undefined : everyMs), fail: reject });
      signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      return promise;
    },
    failed: (name, count, error) => void failures.push(`${name} ${count} ${(error as Error).message}`),
  });
  const end = async (name: string) => {
    open.get(name)?.end();
    await turn();
  };
  return { clock, begun, failures, open, given, timers, end };
}

test("a Lease is due at once and then each time that its renewal says", async () => {
  const { timers, clock, begun, end } = build();
  timers.wake("a");
  assert.deepEqual(begun, [], "nothing before the start");
  timers.start();
  for (let round = 1; round <= 3; round++) {
    assert.equal(begun.length, round);
    await end("a");
    clock.advance(everyMs - 1);
    assert.equal(begun.length, round);
    clock.advance(1);
  }
});

test("what is due first is renewed first, as many at a time as there are places at that moment", async () => {
  const { timers, begun, given, clock, end } = build({ places: 2, forMs: 60_000 });
  for (const name of ["a", "b", "c", "d", "e"]) timers.wake(name);
  timers.start();
  assert.deepEqual(begun, ["a", "b"]);
  clock.advance(3_000);
  assert.equal(timers.overdueMs, 0, "a new one may wait for 20 s");
  clock.advance(20_000);
  assert.equal(timers.overdueMs, 3_000);
  given.places = 3;
  await end("a");
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  given.places = 1;
  await end("b");
  await end("c");
  assert.deepEqual(begun, ["a", "b", "c", "d"]);
  await end("d");
  assert.deepEqual(begun, ["a", "b", "c", "d", "e"]);
  assert.equal(timers.overdueMs, 0);
});

test("one that an earlier gateway wrote stands from the beginning", () => {
  const { timers, begun, clock } = build({ places: 1 });
  timers.wake("new");
  timers.wake("inherited", true);
  clock.advance(2_000);
  assert.equal(timers.overdueMs, 2_000);
  timers.start();
  assert.deepEqual(begun, ["inherited"]);
});

test("one that stands goes before new ones, until those have waited for 20 s", async () => {
  const { timers, clock, begun, end } = build({ places: 1, forMs: 100_000 });
  for (const name of ["old", "older"]) timers.wake(name);
  timers.start();
  await end("old");
  await end("older");
  begun.length = 0;
  clock.advance(5_000);
  timers.wake("busy");
  for (const name of ["new", "newer"]) timers.wake(name);
  // old and older are due at 20 s, new and newer since 5 s.
  clock.advance(15_000);
  await end("busy");
  await end("old");
  assert.deepEqual(begun, ["busy", "old", "older"]);
  timers.wake("old");
  clock.advance(5_001);
  timers.wake("newest");
  assert.equal(timers.overdueMs, 5_001, "old, woken at 20 s");
  await end("older");
  await end("old");
  assert.deepEqual(begun.slice(3), ["old", "new"]);
  await end("new");
  await end("newer");
  assert.deepEqual(begun.slice(5), ["newer", "newest"]);
});

test("one that is not answered ends at its deadline and is tried again; the others do not wait for it", async () => {
  const { timers, clock, begun, failures, end } = build({ places: 2 });
  for (const name of ["hangs", "a", "b"]) timers.wake(name);
  timers.start();
  await end("a");
  await end("b");
  assert.deepEqual(begun, ["hangs", "a", "b"]);
  clock.advance(deadlineMs);
  await turn();
  assert.deepEqual(failures, ["hangs 1 no Lease within 10000 ms"]);
  clock.advance(200);
  assert.equal(begun.at(-1), "hangs");
});

test("failures are tried again after growing waits of at most 5 s, and news does not shorten them", async () => {
  const { timers, clock, begun, open } = build();
  timers.wake("a");
  timers.start();
  for (const waitMs of [200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
    open.get("a")?.fail(new Error("no"));
    await turn();
    timers.wake("a");
    const before = begun.length;
    clock.advance(waitMs - 1);
    assert.equal(begun.length, before);
    clock.advance(1);
    assert.equal(begun.length, before + 1);
  }
});

test("news of a resting Lease makes it due, news while it is renewed makes it due once more", async () => {
  const { timers, begun, end } = build();
  timers.wake("a");
  timers.start();
  timers.wake("a");
  timers.wake("a");
  await end("a");
  assert.deepEqual(begun, ["a", "a"]);
  await end("a");
  assert.deepEqual(begun, ["a", "a"]);
  timers.wake("a");
  assert.deepEqual(begun, ["a", "a", "a"]);
});

test("one that there is nothing to renew of any more is forgotten", async () => {
  const { timers, clock, begun, end } = build({ once: true });
  timers.wake("a");
  timers.start();
  await end("a");
  assert.equal(clock.isAwaited, false);
  timers.wake("a");
  assert.equal(begun.length, 2);
});

test("disposal cuts short what is under way, and nothing begins after it", async () => {
  const { timers, clock, begun, failures } = build({ places: 1 });
  for (const name of ["a", "b"]) timers.wake(name);
  timers.start();
  await timers[Symbol.asyncDispose]();
  clock.advance(10 * everyMs);
  timers.wake("c");
  await turn();
  assert.deepEqual([begun, failures], [["a"], []]);
});

test("5,000 Leases over 32 places of a server that takes 33 ms each are never late by a second", async () => {
  const clock = new ManualClock();
  const renewedAtMs = new Map<string, number>();
  let longestMs = 0;
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
  const timers = new LeaseTimers({
    clock,
    random,
    places: () => 32,
    deadlineMs,
    renew: async (name) => {
      await new Promise<void>((resolve) => void clock.after(33, resolve));
      const nowMs = clock.monotonicMs();
      const lastMs = renewedAtMs.get(name);
      renewedAtMs.set(name, nowMs);
      if (lastMs !== undefined) longestMs = Math.max(longestMs, nowMs - lastMs);
      return everyMs * (0.9 + 0.2 * random());
    },
    failed: () => assert.fail("no renewal fails here"),
  });
  const leases = process.env.MOTELET_SOAK ? 5_000 : 500;
  for (let index = 0; index < leases; index++) timers.wake(`lease-${index}`);
  timers.start();
  for (let ms = 0; ms < 2 * everyMs; ms += 33) {
    clock.advance(33);
    await turn();
  }
  assert.equal(renewedAtMs.size, leases);
  assert.ok(longestMs < 23_000, `${longestMs} ms between two renewals of a Lease`);
});
