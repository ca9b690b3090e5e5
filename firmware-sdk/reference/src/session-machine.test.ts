import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { WelcomeMessage } from "@motelet/profiles";
import { SessionMachine } from "./session-machine.ts";

const welcome = (attempt: number, heartbeatS = 10): WelcomeMessage => ({
  kind: "welcome",
  attempt,
  sid: 3,
  streamsKept: false,
  time: { s: 1, ms: 0 },
  heartbeatS,
  rtoMs: 500,
  reportWindow: 4,
  storedSeq: 0,
});

suite("the session machine (beyond the scripts)", () => {
  test("attempt numbers wrap after 255", () => {
    const machine = new SessionMachine(500);
    for (let count = 0; count < 256; count++) machine.open(count);
    assert.equal(machine.attempt, 0);
    assert.equal(machine.welcome(welcome(255), 300).length, 0);
    assert.equal(machine.welcome(welcome(0), 300).length, 2);
  });

  test("after a pause one beat goes out, not all that were missed, unless silence says hello", () => {
    const machine = new SessionMachine(500);
    machine.open(0);
    machine.welcome(welcome(1, 1), 0);
    machine.heard(9_000);
    assert.deepEqual(machine.poll(10_500), [{ kind: "beat" }]);
    assert.deepEqual(machine.poll(10_500), []);
    assert.equal(machine.deadlineMs, 11_000);
    machine.poll(11_000);
    assert.deepEqual(machine.poll(12_000), [{ kind: "hello" }]);
  });

  test("what the carrier proves keeps the device from greeting again", () => {
    const machine = new SessionMachine(500);
    machine.open(0);
    machine.welcome(welcome(1, 1), 0);
    for (let nowMs = 1_000; nowMs <= 20_000; nowMs += 1_000) {
      assert.deepEqual(machine.poll(nowMs), [{ kind: "beat" }]);
      machine.heard(nowMs);
    }
  });

  test("a ring's new life begins an attempt wherever a gateway may know the old one", () => {
    const machine = new SessionMachine(500);
    assert.deepEqual(machine.renew(0), []);
    machine.open(0);
    assert.deepEqual(machine.renew(1), [{ kind: "hello" }]);
    assert.equal(machine.attempt, 2);
  });
});
