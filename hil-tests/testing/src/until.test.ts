import assert from "node:assert/strict";
import { test } from "node:test";
import { DeadlineError, until } from "./until.ts";

const fails = (pattern: RegExp) => (error: unknown) =>
  error instanceof DeadlineError && pattern.test(error.message);

test("the first truthy value of the condition is returned", async () => {
  let looks = 0;
  assert.equal(await until("three looks", () => (++looks < 3 ? undefined : looks)), 3);
});

test("the error says what was awaited and what the condition returned last", async () => {
  await assert.rejects(
    until("the door to open", () => "", 20),
    fails(/^waited 20 ms in vain for the door to open; last seen: ''$/),
  );
});

test("the error shows what `seen` returns in place of the condition's value", async () => {
  const states = ["closed", "ajar"];
  await assert.rejects(
    until("the door", () => states.includes("open"), { deadlineMs: 20, seen: () => states }),
    fails(/last seen: \[ 'closed', 'ajar' \]$/),
  );
});

test("a condition that throws does not hold yet, and its last error is shown and is the cause", async () => {
  const cause = new Error("connection refused");
  await assert.rejects(
    until("the door to open", () => Promise.reject(cause), 20),
    (error) => fails(/last seen: connection refused$/)(error) && (error as Error).cause === cause,
  );
});

test("a condition that never settles does not outlast the deadline", async () => {
  const startedMs = performance.now();
  await assert.rejects(
    until("an answer", () => new Promise<boolean>(() => {}), 20),
    fails(/an answer; last seen: a condition that did not settle$/),
  );
  assert.ok(performance.now() - startedMs < 2_000);
});

test("a fatal error and the reason of a signal end the wait at once", async () => {
  const died = new Error("the process died");
  await assert.rejects(
    until("nothing", () => false, { deadlineMs: 60_000, fatal: () => died }),
    (error) => error === died,
  );
  const stop = new AbortController();
  const waiting = until("nothing", () => false, { deadlineMs: 60_000, signal: stop.signal });
  stop.abort(died);
  await assert.rejects(waiting, (error) => error === died);
});
