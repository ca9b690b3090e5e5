import assert from "node:assert/strict";
import { test } from "node:test";
import { PortAllocator } from "./port-allocator.ts";

const range = { firstPort: 100, count: 3 };

test("each Node gets the lowest free port, up to the last of the range and no more", () => {
  const book = new PortAllocator(range, undefined);
  assert.deepEqual(
    ["a", "b", "c", "d"].map((name) => book.take(name)),
    [100, 101, 102, undefined],
  );
  assert.equal(book.take("b"), 101);
});

test("a Node that comes back has its port again", () => {
  const book = new PortAllocator(range, undefined);
  book.take("a");
  book.take("b");
  book.release("a");
  assert.equal(book.take("c"), 102);
  assert.equal(book.take("a"), 100);
});

test("when the range is full, the port of the Node that went first goes to the next", () => {
  const book = new PortAllocator(range, undefined);
  for (const name of ["a", "b", "c"]) book.take(name);
  book.release("b");
  book.release("a");
  assert.equal(book.take("d"), 101);
  assert.equal(book.take("e"), 100);
  assert.equal(book.take("b"), undefined);
});

test("what was stored holds in the next process, without what is no longer of the range", () => {
  const book = new PortAllocator(range, { a: 102, b: 99, c: 103, d: "100", e: 102 });
  assert.deepEqual(book.toJSON(), { a: 102 });
  assert.equal(book.take("x"), 100);
  assert.equal(book.take("a"), 102);
  assert.deepEqual(new PortAllocator(range, JSON.parse(JSON.stringify(book))).toJSON(), { a: 102, x: 100 });
});

test("a port that somebody else has is not given away", () => {
  const book = new PortAllocator(range, undefined);
  assert.equal(book.take("a"), 100);
  book.block(100);
  book.release("a");
  assert.deepEqual(
    ["a", "b", "c"].map((name) => book.take(name)),
    [101, 102, undefined],
  );
});
