import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { BackpressureGuard } from "./backpressure-guard.ts";

function guarded() {
  const clock = new ManualClock();
  const said: string[] = [];
  const guard = new BackpressureGuard<{ takenBytes: number }>({
    clock,
    probeMs: 5_000,
    stallTimeoutMs: 60_000,
    pause: () => said.push("pause"),
    resume: () => said.push("resume"),
    probe: () => said.push("probe"),
    onStalled: () => said.push("stalled"),
  });
  return { clock, said, guard };
}

test("the socket is read again when the last crowd is gone", () => {
  const { guard, said } = guarded();
  const [one, two] = [{ takenBytes: 0 }, { takenBytes: 0 }];
  guard.note(one, true);
  guard.note(two, true);
  guard.note(one, false);
  assert.deepEqual(said, ["pause", "pause", "pause"]);
  guard.note(two, false);
  assert.equal(said.at(-1), "resume");
});

test("a stream whose bytes are taken, however slowly, does not stall", () => {
  const { clock, guard, said } = guarded();
  const member = { takenBytes: 0 };
  guard.note(member, true);
  for (let passed = 0; passed < 20; passed++) {
    clock.advance(50_000);
    member.takenBytes += 1;
  }
  assert.ok(!said.includes("stalled"));
});

test("a stream that nobody takes from stalls at the timeout, beside one that is taken from", () => {
  const { clock, guard, said } = guarded();
  const [stuck, slow] = [{ takenBytes: 0 }, { takenBytes: 0 }];
  guard.note(stuck, true);
  guard.note(slow, true);
  for (let passedMs = 0; passedMs < 55_000; passedMs += 5_000) {
    slow.takenBytes += 1;
    clock.advance(5_000);
  }
  assert.ok(!said.includes("stalled"));
  clock.advance(5_000);
  assert.equal(said.filter((word) => word === "stalled").length, 1);
});

test("the peer is probed only while something waits, and not after the end", () => {
  const { clock, guard, said } = guarded();
  const member = { takenBytes: 0 };
  guard.note(member, true);
  clock.advance(10_000);
  guard.note(member, false);
  clock.advance(100_000);
  guard.note(member, true);
  guard.close();
  clock.advance(100_000);
  assert.equal(said.filter((word) => word === "probe").length, 2);
});
