import assert from "node:assert/strict";
import { test } from "node:test";
import { Semaphore } from "./semaphore.ts";

test("places at the bound are taken at once, as many wait as may in their order, one more is refused", async () => {
  const semaphore = new Semaphore({ places: 2, waiting: 2 });
  assert.deepEqual([semaphore.acquire(), semaphore.acquire()], [undefined, undefined]);
  const order: string[] = [];
  const wait = async (name: string) => {
    await semaphore.acquire();
    order.push(name);
  };
  const waiting = [wait("first"), wait("second")];
  assert.equal(semaphore.acquire(), "refused");
  semaphore.release();
  await waiting[0];
  assert.deepEqual(order, ["first"]);
  semaphore.release();
  await waiting[1];
  assert.deepEqual(order, ["first", "second"]);
  semaphore.release();
  assert.equal(semaphore.acquire(), undefined);
});
