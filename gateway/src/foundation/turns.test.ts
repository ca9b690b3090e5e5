import assert from "node:assert/strict";
import { test } from "node:test";
import { Turns } from "./turns.ts";

test("places at the bound are taken at once, as many wait as may in their order, one more is refused", async () => {
  const turns = new Turns({ places: 2, waiting: 2 });
  assert.deepEqual([turns.take(), turns.take()], [undefined, undefined]);
  const order: string[] = [];
  const wait = async (name: string) => {
    await turns.take();
    order.push(name);
  };
  const waiting = [wait("first"), wait("second")];
  assert.equal(turns.take(), "refused");
  turns.giveBack();
  await waiting[0];
  assert.deepEqual(order, ["first"]);
  turns.giveBack();
  await waiting[1];
  assert.deepEqual(order, ["first", "second"]);
  turns.giveBack();
  assert.equal(turns.take(), undefined);
});
