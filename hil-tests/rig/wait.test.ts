import assert from "node:assert/strict";
import { test } from "node:test";
import { RigError } from "./errors.ts";
import { waitFor } from "./wait.ts";

test("what the condition answers first is returned", async () => {
  let looks = 0;
  const answer = await waitFor(() => (++looks < 3 ? undefined : looks), {
    deadlineMs: 30_000,
    what: "three looks",
    intervalMs: 1,
  });
  assert.equal(answer, 3);
});

test("a condition that throws does not hold yet, and its last error is the cause of the failure", async () => {
  const cause = new RigError("REFUSED", "connection refused");
  await assert.rejects(
    waitFor(() => Promise.reject(cause), { deadlineMs: 50, what: "the door to open", intervalMs: 5 }),
    (error) =>
      error instanceof RigError &&
      error.code === "DEADLINE_PASSED" &&
      error.cause === cause &&
      /50 ms.*the door to open; last seen: connection refused/.test(error.message),
  );
});

test("a condition that never answers does not outlast the deadline", async () => {
  const startedMs = performance.now();
  await assert.rejects(
    waitFor(() => new Promise<boolean>(() => {}), { deadlineMs: 50, what: "an answer" }),
    (error) => error instanceof RigError && error.code === "DEADLINE_PASSED",
  );
  assert.ok(performance.now() - startedMs < 20_000);
});

test("a signal ends the waiting with its reason", async () => {
  const stop = new AbortController();
  const waiting = waitFor(() => false, { deadlineMs: 60_000, what: "nothing", signal: stop.signal });
  stop.abort(new RigError("ENOUGH", "enough"));
  await assert.rejects(waiting, (error) => error instanceof RigError && error.code === "ENOUGH");
});
