import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteQueue } from "./byte-queue.ts";

test("copies and what is left after discards are those of one buffer, however the bytes were cut into chunks", () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, fc.nat(100), fc.nat(100), fc.nat(100), (pushed, discarded, from, length) => {
      const queue = new ByteQueue();
      for (const chunk of pushed) queue.push(chunk);
      queue.discard(discarded);
      const model = Buffer.concat(pushed).subarray(discarded);
      assert.equal(queue.length, model.length);
      const at = Math.min(from, model.length);
      const count = Math.min(length, model.length - at);
      assert.deepEqual(Buffer.from(queue.copy(at, count)), model.subarray(at, at + count));
      assert.deepEqual(Buffer.from(queue.takeAll() ?? []), model);
      assert.deepEqual([queue.length, queue.takeAll(), queue.shift()], [0, undefined, undefined]);
    }),
  );
});

test("chunks are taken oldest first, as they are", () => {
  const queue = new ByteQueue();
  const [one, two] = [Uint8Array.of(1, 2), Uint8Array.of(3)];
  queue.push(one);
  queue.push(new Uint8Array());
  queue.push(two);
  assert.equal(queue.shift(), one);
  assert.equal(queue.length, 1);
  assert.equal(queue.takeAll(), two);
});
