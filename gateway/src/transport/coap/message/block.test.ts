import assert from "node:assert/strict";
import { test } from "node:test";
import { blockOption, blockSizes, parseBlock, sliceBlock } from "./block.ts";
import { BlockAssembly } from "./block-assembly.ts";
import { Option } from "./options.ts";

const limits = { bodyBytes: 64, bodies: 2, lifetimeMs: 1_000 };
const part = (length: number, fill = 1) => new Uint8Array(length).fill(fill);
const block = (number: number, more: boolean, size = 16) => ({ number, more, size });

test("a block option keeps number, size and whether more follow", () => {
  for (const size of blockSizes)
    for (const number of [0, 1, 15, 16, 4_095, 4_096, 2 ** 20 - 1])
      for (const more of [true, false]) {
        const option = blockOption(Option.block2, { number, more, size });
        assert.ok(option.value.length <= 3);
        assert.deepEqual(parseBlock([option], Option.block2), { number, more, size });
      }
  assert.equal(parseBlock([{ number: Option.block1, value: Uint8Array.of(7) }], Option.block1), "invalid");
  assert.equal(parseBlock([], Option.block1), undefined);
});

test("a body is divided into blocks, of which only the last is short", () => {
  const body = Uint8Array.from({ length: 40 }, (_, index) => index);
  const blocks = [0, 1, 2].map((number) => sliceBlock(body, { number, size: 16 }));
  assert.deepEqual(
    blocks.map((each) => [each?.payload.length, each?.block.more]),
    [
      [16, true],
      [16, true],
      [8, false],
    ],
  );
  assert.equal(sliceBlock(body, { number: 3, size: 16 }), undefined);
  assert.deepEqual(sliceBlock(new Uint8Array(0), { number: 0, size: 16 })?.payload.length, 0);
});

test("a body that comes in blocks is whole with the last one", () => {
  const assembly = new BlockAssembly(limits);
  assert.equal(assembly.take("a", block(0, true), part(16, 1), 0).state, "continue");
  assert.equal(assembly.take("a", block(1, true), part(16, 2), 0).state, "continue");
  const last = assembly.take("a", block(2, false), part(3, 3), 0);
  assert.ok(last.state === "complete");
  assert.deepEqual([...last.body], [...part(16, 1), ...part(16, 2), ...part(3, 3)]);
  assert.equal(assembly.size, 0);
});

test("a block that does not follow is refused; a first block begins the body again", () => {
  const assembly = new BlockAssembly(limits);
  assert.equal(assembly.take("a", block(1, false), part(16), 0).state, "incomplete");
  assembly.take("a", block(0, true), part(16), 0);
  assert.equal(assembly.take("a", block(2, false), part(16), 0).state, "incomplete");
  assert.equal(
    assembly.take("a", block(1, true), part(15), 0).state,
    "incomplete",
    "a short block before the last",
  );
  assert.equal(assembly.take("a", block(1, false), part(17), 0).state, "incomplete", "longer than its size");
  assert.equal(assembly.take("a", block(0, false), part(5), 0).state, "complete");
});

test("a body as long as the limit is accepted, and one byte more is too large", () => {
  const assembly = new BlockAssembly(limits);
  for (const number of [0, 1, 2]) assembly.take("a", block(number, true), part(16), 0);
  assert.equal(assembly.take("a", block(3, false), part(16), 0).state, "complete");
  for (const number of [0, 1, 2]) assembly.take("a", block(number, true), part(16), 0);
  assert.equal(assembly.take("a", block(3, true), part(16), 0).state, "continue");
  assert.equal(assembly.take("a", block(4, false), part(1), 0).state, "too-large");
  assert.equal(assembly.size, 0);
});

test("as many bodies as the limit are incomplete at a time, until their time is over", () => {
  const assembly = new BlockAssembly(limits);
  assert.equal(assembly.take("a", block(0, true), part(16), 0).state, "continue");
  assert.equal(assembly.take("b", block(0, true), part(16), 500).state, "continue");
  assert.equal(assembly.take("c", block(0, true), part(16), 1_000).state, "full");
  assert.equal(assembly.take("c", block(0, true), part(16), 1_001).state, "continue");
  assert.equal(assembly.take("a", block(1, false), part(1), 1_001).state, "incomplete");
});

test("bodies of different keys, such as Request-Tags, are never mixed", () => {
  const assembly = new BlockAssembly(limits);
  assembly.take("a", block(0, true), part(16, 1), 0);
  assembly.take("b", block(0, true), part(16, 2), 0);
  const last = assembly.take("a", block(1, false), part(1, 1), 0);
  assert.ok(last.state === "complete" && last.body.every((byte) => byte === 1));
});
