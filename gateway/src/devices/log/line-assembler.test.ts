import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LineAssembler, maxLineLength } from "./line-assembler.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");

test("lines come whole, CR LF becomes LF, the rest waits", () => {
  const lines = new LineAssembler();
  assert.deepEqual(lines.push(bytes("one\r\ntwo\nthr")), ["one\n", "two\n"]);
  assert.equal(lines.pending, true);
  assert.deepEqual(lines.push(bytes("ee\r")), []);
  assert.deepEqual(lines.push(bytes("\n")), ["three\n"]);
  assert.equal(lines.pending, false);
});

test("a prompt can be had before its line ends", () => {
  const lines = new LineAssembler();
  lines.push(bytes("> "));
  assert.equal(lines.flush(), "> ");
  assert.deepEqual(lines.push(bytes("x\n")), ["x\n"]);
});

test("a line at the limit is kept whole, one past it comes in parts", () => {
  const lines = new LineAssembler();
  assert.deepEqual(lines.push(bytes("a".repeat(maxLineLength))), []);
  assert.deepEqual(lines.push(bytes("b")), ["a".repeat(maxLineLength)]);
  assert.deepEqual(lines.push(bytes("\n")), ["b\n"]);
});

test("however text is split into bytes, the same lines come", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }), { maxLength: 8 }),
      fc.array(fc.nat(5), { minLength: 1 }),
      (texts, sizes) => {
        const wanted = texts.map((text) => `${text.replace(/[\r\n]/g, "")}\n`);
        const all = bytes(wanted.join(""));
        const lines = new LineAssembler();
        const got: string[] = [];
        for (let at = 0, turn = 0; at < all.length; turn++) {
          const size = (sizes[turn % sizes.length] ?? 0) + 1;
          got.push(...lines.push(all.subarray(at, at + size)));
          at += size;
        }
        assert.deepEqual(got, wanted);
      },
    ),
  );
});
