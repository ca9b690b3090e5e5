import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError } from "../../foundation/errors.ts";
import { maxResizeBytes, parseResizes } from "./resize.ts";

async function parse(...chunks: readonly string[]): Promise<string[]> {
  const sizes: string[] = [];
  async function* bytes() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  for await (const { columns, rows } of parseResizes(bytes())) sizes.push(`${columns}x${rows}`);
  return sizes;
}

test("sizes split at every byte are the same sizes", async () => {
  const text = '{"Width":80,"Height":24}\n{"Width":132,"Height":43}';
  for (let at = 0; at <= text.length; at++)
    assert.deepEqual(await parse(text.slice(0, at), text.slice(at)), ["80x24", "132x43"]);
});

test("an object of the longest length is taken, one byte more is refused", async () => {
  const padded = (length: number) => `${'{"Width":1,"Height":2'.padEnd(length - 1)}}`;
  assert.deepEqual(await parse(padded(maxResizeBytes)), ["1x2"]);
  await assert.rejects(parse(padded(maxResizeBytes + 1)), ProtocolError);
  await assert.rejects(parse(" ".repeat(maxResizeBytes + 1)), ProtocolError);
});

for (const text of [
  "{}",
  "}",
  "[1]}",
  '{"Width":65536,"Height":1}',
  '{"Width":-1,"Height":1}',
  '{"Width":"1"}',
]) {
  test(`${text} is refused`, async () => {
    await assert.rejects(parse(text), ProtocolError);
  });
}
