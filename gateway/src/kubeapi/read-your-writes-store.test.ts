import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { ChangeFeed } from "../foundation/change-feed.ts";
import { maxWrittenAgeMs, ReadYourWritesStore } from "./read-your-writes-store.ts";

/** What an informer holds, told by hand. */
function setUp() {
  const objects = new Map<string, string>();
  const changes = new ChangeFeed<string>();
  const clock = new ManualClock();
  const informed = { changes, get: (key: string) => objects.get(key), list: () => [...objects.values()] };
  const news = (key: string, object: string | undefined) => {
    if (object === undefined) objects.delete(key);
    else objects.set(key, object);
    changes.publish(key);
  };
  return { store: new ReadYourWritesStore<string>(informed, clock), clock, news };
}

test("our own write is read until the watch brings news, which counts more", () => {
  const { store, news } = setUp();
  news("lamp", "as listed");
  store.wrote("lamp", "as written");
  assert.equal(store.get("lamp"), "as written");
  news("fan", "of another");
  assert.equal(store.get("lamp"), "as written");
  news("lamp", "as watched");
  assert.equal(store.get("lamp"), "as watched");
});

test("a refused write is forgotten at once", () => {
  const { store, news } = setUp();
  news("lamp", "as listed");
  store.wrote("lamp", "as written");
  store.forget("lamp");
  assert.equal(store.get("lamp"), "as listed");
});

test("an object whose deletion was told before the answer to our write does not stay for ever", () => {
  const { store, clock, news } = setUp();
  news("lamp", "as listed");
  news("lamp", undefined);
  store.wrote("lamp", "as written");
  clock.advance(maxWrittenAgeMs - 1);
  assert.equal(store.get("lamp"), "as written");
  clock.advance(1);
  assert.equal(store.get("lamp"), undefined);
});
