import assert from "node:assert/strict";
import { test } from "node:test";
import { maxUnreadBytes, ReceiveBuffer } from "./receive-buffer.ts";

function unread() {
  const crowded: boolean[] = [];
  return { crowded, bytes: new ReceiveBuffer((isCrowded) => crowded.push(isCrowded)) };
}

test("at the limit nothing is said, one byte more is a crowd, and reading ends it", async () => {
  const { bytes, crowded } = unread();
  bytes.push(new Uint8Array(maxUnreadBytes - 128));
  assert.deepEqual(crowded, []);
  bytes.push(new Uint8Array(1));
  assert.deepEqual(crowded, [true]);
  await bytes.read().next();
  assert.deepEqual(crowded, [true, false]);
  assert.equal(bytes.takenBytes, maxUnreadBytes);
});

test("a byte of a large block does not keep the block", async () => {
  const block = new Uint8Array(65_536);
  const { bytes } = unread();
  bytes.push(block.subarray(7, 8));
  const { value } = await bytes.read().next();
  assert.equal(value?.buffer.byteLength, 1);
});

test("what was pushed is read before the end, and before a failure", async () => {
  const ended = unread().bytes;
  ended.push(Uint8Array.of(1));
  ended.end();
  ended.push(Uint8Array.of(2));
  const all: number[] = [];
  for await (const part of ended.read()) all.push(...part);
  assert.deepEqual(all, [1]);
  const failed = unread().bytes;
  failed.push(Uint8Array.of(1));
  failed.fail(new RangeError("gone"));
  const reading = failed.read();
  assert.deepEqual([...((await reading.next()).value ?? [])], [1]);
  await assert.rejects(reading.next(), /gone/);
});

test("what is discarded frees the crowd, and what comes later is dropped", () => {
  const { bytes, crowded } = unread();
  bytes.push(new Uint8Array(2 * maxUnreadBytes));
  bytes.discard();
  bytes.push(new Uint8Array(2 * maxUnreadBytes));
  assert.deepEqual(crowded, [true, false]);
});
