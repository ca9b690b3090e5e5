import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { ChangeFeed } from "../foundation/change-feed.ts";
import { FreshStore, freshMs } from "./fresh-store.ts";

/** What an informer holds, told by hand. */
function setUp() {
  const objects = new Map<string, string>();
  const changes = new ChangeFeed<string>();
  const clock = new ManualClock();
  const store = { changes, get: (key: string) => objects.get(key), list: () => [...objects.values()] };
  const news = (key: string, object: string | undefined) => {
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    changes.publish(key);
  };
  return { fresh: new FreshStore<string>(store, clock), clock, news };
}

test("our own write is read until the watch brings news, which counts more", () => {
  const { fresh, news } = setUp();
  news("lamp", "as listed");
  fresh.wrote("lamp", "as written");
  assert.equal(fresh.get("lamp"), "as written");
  news("fan", "of another");
  assert.equal(fresh.get("lamp"), "as written");
  news("lamp", "as watched");
  assert.equal(fresh.get("lamp"), "as watched");
});

test("a refused write is forgotten at once", () => {
  const { fresh, news } = setUp();
  news("lamp", "as listed");
  fresh.wrote("lamp", "as written");
  fresh.forget("lamp");
  assert.equal(fresh.get("lamp"), "as listed");
});

test("an object whose deletion was told before the answer to our write does not stay for ever", () => {
  const { fresh, clock, news } = setUp();
  news("lamp", "as listed");
  news("lamp", undefined);
  fresh.wrote("lamp", "as written");
  clock.advance(freshMs - 1);
  assert.equal(fresh.get("lamp"), "as written");
  clock.advance(1);
  assert.equal(fresh.get("lamp"), undefined);
});
