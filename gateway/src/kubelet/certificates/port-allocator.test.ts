import assert from "node:assert/strict";
import { test } from "node:test";
import { PortAllocator } from "./port-allocator.ts";

const range = { firstPort: 100, count: 3 };

test("each Node gets the lowest free port, up to the last of the range and no more", () => {
  const allocator = new PortAllocator(range, undefined);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((name) => allocator.take(name)),
    [100, 101, 102, undefined],
  );
  assert.equal(allocator.take("b"), 101);
});

test("a Node that comes back has its port again", () => {
  const allocator = new PortAllocator(range, undefined);
  allocator.take("a");
  allocator.take("b");
  allocator.release("a");
  assert.equal(allocator.take("c"), 102);
  assert.equal(allocator.take("a"), 100);
});

test("when the range is full, the port of the Node that went first goes to the next", () => {
  const allocator = new PortAllocator(range, undefined);
  for (const name of ["a", "b", "c"]) allocator.take(name);
  allocator.release("b");
  allocator.release("a");
  assert.equal(allocator.take("d"), 101);
  assert.equal(allocator.take("e"), 100);
  assert.equal(allocator.take("b"), undefined);
});

test("what was stored holds in the next process, without what is no longer of the range", () => {
  const allocator = new PortAllocator(range, { a: 102, b: 99, c: 103, d: "100", e: 102 });
  assert.deepEqual(allocator.toJSON(), { a: 102 });
  assert.equal(allocator.take("x"), 100);
  assert.equal(allocator.take("a"), 102);
  assert.deepEqual(new PortAllocator(range, JSON.parse(JSON.stringify(allocator))).toJSON(), {
    a: 102,
    x: 100,
  });
});

test("a port that somebody else has is not given away", () => {
  const allocator = new PortAllocator(range, undefined);
  assert.equal(allocator.take("a"), 100);
  allocator.block(100);
  allocator.release("a");
  assert.deepEqual(
    ["a", "b", "c"].map((name) => allocator.take(name)),
    [101, 102, undefined],
  );
});
