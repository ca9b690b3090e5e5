import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { ExpiringCache } from "./expiring-cache.ts";

const limits = { entries: 2, pending: 2 };
const lasting =
  (value: string, forMs = 1_000) =>
  () =>
    Promise.resolve({ value, forMs });

test("a value is answered from memory until its time is over", async () => {
  const clock = new ManualClock();
  const cache = new ExpiringCache<string>(clock, limits);
  assert.equal(await cache.get("a", lasting("old")), "old");
  clock.advance(999);
  assert.equal(await cache.get("a", lasting("new")), "old");
  clock.advance(1);
  assert.equal(await cache.get("a", lasting("new")), "new");
});

test("entries beyond the limit push out the oldest", async () => {
  const cache = new ExpiringCache<string>(new ManualClock(), limits);
  for (const key of ["a", "b", "c"]) await cache.get(key, lasting(key));
  assert.equal(cache.size, 2);
  assert.equal(await cache.get("b", lasting("new")), "b");
  assert.equal(await cache.get("a", lasting("new")), "new");
});

test("callers that ask at once share one load; loads beyond the limit are refused", async () => {
  const cache = new ExpiringCache<string>(new ManualClock(), limits);
  const gate = Promise.withResolvers<{ value: string; forMs: number }>();
  let loads = 0;
  const load = () => {
    loads += 1;
    return gate.promise;
  };
  const waiting = [cache.get("a", load), cache.get("a", load), cache.get("b", load)];
  await assert.rejects(cache.get("c", load), { code: "REVIEWS_BUSY" });
  gate.resolve({ value: "x", forMs: 1 });
  assert.deepEqual(await Promise.all(waiting), ["x", "x", "x"]);
  assert.equal(loads, 2);
});

test("a load that fails is not kept", async () => {
  const cache = new ExpiringCache<string>(new ManualClock(), limits);
  await assert.rejects(
    cache.get("a", () => Promise.reject(new TypeError("down"))),
    TypeError,
  );
  assert.equal(await cache.get("a", lasting("up")), "up");
});

test("a cache tells how each caller got its answer, and how much it keeps", async () => {
  const answers: string[] = [];
  let kept = 0;
  const cache = new ExpiringCache<string>(
    new ManualClock(),
    { entries: 1, pending: 1 },
    {
      answered: (how) => answers.push(how),
      kept: (entries) => {
        kept = entries;
      },
    },
  );
  const first = cache.get("a", lasting("x"));
  const shared = cache.get("a", lasting("x"));
  await assert.rejects(cache.get("b", lasting("x")));
  await Promise.all([first, shared]);
  await cache.get("a", lasting("x"));
  await assert.rejects(cache.get("b", () => Promise.reject(new TypeError("down"))));
  await cache.get("b", lasting("x"));
  assert.deepEqual(answers, ["shared", "busy", "asked", "remembered", "failed", "asked"]);
  assert.equal(kept, 1);
});
