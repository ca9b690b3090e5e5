import assert from "node:assert/strict";
import { test } from "node:test";
import { UnavailableError } from "../foundation/errors.ts";
import { ByteHandover } from "./byte-handover.ts";

const bytes = (text: string) => Buffer.from(text);

test("who puts waits until the bytes are taken", async () => {
  const handover = new ByteHandover();
  let isTaken = false;
  const put = handover.put(bytes("a")).then(() => {
    isTaken = true;
  });
  await Promise.resolve();
  assert.equal(isTaken, false);
  const reader = handover.read();
  assert.deepEqual(await reader.next(), { done: false, value: bytes("a") });
  await put;
});

test("what was put before the end is read, then the end", async () => {
  const handover = new ByteHandover();
  void handover.put(bytes("a"));
  void handover.put(bytes("b"));
  handover.end();
  const all = await Array.fromAsync(handover.read());
  assert.equal(Buffer.concat(all).toString(), "ab");
});

test("a reader that goes frees who puts", async () => {
  const handover = new ByteHandover();
  const first = handover.put(bytes("a"));
  const second = assert.rejects(handover.put(bytes("b")), UnavailableError);
  for await (const _ of handover.read()) break;
  await first;
  await second;
  await assert.rejects(handover.put(bytes("c")), UnavailableError);
});

test("closing wakes a reader that waits", async () => {
  const handover = new ByteHandover();
  const next = handover.read().next();
  handover.close();
  assert.equal((await next).done, true);
});
