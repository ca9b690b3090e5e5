import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { onAbort, raceAbort } from "./abort.ts";

test("an abort calls back once, one that has been at once, and none after the listener was disposed", () => {
  const stop = new AbortController();
  let calls = 0;
  const first = onAbort(stop.signal, () => calls++);
  onAbort(stop.signal, () => calls++)[Symbol.dispose]();
  assert.equal(calls, 0);
  stop.abort();
  first[Symbol.dispose]();
  assert.equal(calls, 1);
  onAbort(stop.signal, () => calls++);
  assert.equal(calls, 2);
});

test("a race with a signal returns what came first, and leaves no listener", async () => {
  const stop = new AbortController();
  assert.equal(await raceAbort(Promise.resolve(1), stop.signal), 1);
  assert.equal(getEventListeners(stop.signal, "abort").length, 0);
  const waiting = raceAbort(new Promise(() => {}), stop.signal);
  stop.abort();
  assert.equal(await waiting, undefined);
});
