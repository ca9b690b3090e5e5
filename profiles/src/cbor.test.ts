import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { fromHex, fromNotation, toHex, toNotation } from "../scripts/notation.ts";
import { soak } from "../test/soak.ts";
import { CborError, CborFloat, type CborValue } from "./cbor.ts";
import { decodeCbor } from "./cbor-decoder.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import { limits } from "./limits.ts";

interface CborVectors {
  readonly valid: readonly { readonly name: string; readonly hex: string; readonly value: unknown }[];
  readonly invalid: readonly { readonly name: string; readonly hex: string; readonly error: string }[];
}
const vectors = JSON.parse(
  readFileSync(new URL("../vectors/cbor.json", import.meta.url), "utf8"),
) as CborVectors;

test("every valid CBOR vector decodes to its value and encodes back to its bytes", () => {
  assert.ok(vectors.valid.length > 50);
  for (const { name, hex, value } of vectors.valid) {
    assert.deepEqual(toNotation(decodeCbor(fromHex(hex))), value, name);
    assert.equal(toHex(encodeCbor(fromNotation(value) as CborValue)), hex, name);
  }
});

test("every invalid CBOR vector is refused with its code", () => {
  assert.ok(vectors.invalid.length > 70);
  for (const { name, hex, error } of vectors.invalid) {
    assert.throws(() => decodeCbor(fromHex(hex)), { name: "CborError", code: error }, name);
  }
});

const leaf: fc.Arbitrary<CborValue> = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.bigInt({ min: 9_007_199_254_740_992n, max: 0xffff_ffff_ffff_ffffn }),
  fc.bigInt({ min: -0x1_0000_0000_0000_0000n, max: -9_007_199_254_740_992n }),
  fc.string({ unit: "binary" }),
  fc.uint8Array({ maxLength: 300 }),
  fc.boolean(),
  fc.constant(null),
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((bits) => new CborFloat(32, bits)),
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }).map((bits) => new CborFloat(64, bits)),
);

function nested(depth: number): fc.Arbitrary<CborValue> {
  if (depth === 0) return leaf;
  const inner = nested(depth - 1);
  const map = fc
    .uniqueArray(fc.tuple(fc.nat(), inner), { selector: ([key]) => key, maxLength: 6 })
    .map((entries) => new Map([...entries].sort(([a], [b]) => a - b)));
  return fc.oneof(leaf, fc.array(inner, { maxLength: 6 }), map);
}

test("decode ∘ encode is the identity", () => {
  fc.assert(
    fc.property(nested(limits.depth), (value) => {
      assert.deepEqual(toNotation(decodeCbor(encodeCbor(value))), toNotation(value));
    }),
    { numRuns: 3000 * soak, seed: 1 },
  );
});

test("whatever decodes encodes to the same bytes, and nothing but CborError is thrown", () => {
  let decoded = 0;
  const check = (bytes: Uint8Array) => {
    let value: CborValue;
    try {
      value = decodeCbor(bytes);
    } catch (error) {
      assert.ok(error instanceof CborError);
      assert.ok(error.offset <= bytes.length);
      return;
    }
    decoded++;
    assert.equal(toHex(encodeCbor(value)), toHex(bytes));
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), check), { numRuns: 5000 * soak, seed: 2 });
  const mutated = fc.tuple(nested(3), fc.nat(), fc.nat({ max: 255 })).map(([value, at, byte]) => {
    const bytes = encodeCbor(value);
    if (bytes.length > 0) bytes[at % bytes.length] = byte;
    return bytes;
  });
  fc.assert(fc.property(mutated, check), { numRuns: 5000 * soak, seed: 3 });
  assert.ok(decoded > 500, `only ${decoded} inputs decoded`);
});

test("declared lengths reserve nothing: a few bytes that promise gigabytes cost no memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (const hex of [
    "5affffffff",
    "7affffffff",
    "9affffffff",
    "baffffffff",
    "9bffffffffffffffff",
    "9a0fffffff00",
  ]) {
    assert.throws(() => decodeCbor(fromHex(hex)), { code: "CBOR_TRUNCATED" });
  }
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
});

test("a decoded byte string does not alias its input", () => {
  for (const input of [fromHex("4401020304"), Buffer.from("4401020304", "hex")]) {
    const value = decodeCbor(input) as Uint8Array;
    input.fill(9);
    assert.deepEqual(value, Uint8Array.of(1, 2, 3, 4));
  }
});

test("values outside the subset are not encoded", () => {
  const outside: readonly unknown[] = [
    1.5,
    Number.NaN,
    -0,
    2 ** 53,
    2n ** 64n,
    undefined,
    {},
    "\ud800",
    new Map([[-1, 0]]),
  ];
  for (const value of outside) {
    assert.throws(() => encodeCbor(value as CborValue), { code: "CBOR_UNENCODABLE" }, String(value));
  }
  assert.throws(() => encodeCbor([[[[[]]]]]), { code: "CBOR_DEPTH" });
});

test("floats keep width and value", () => {
  assert.equal(CborFloat.of32(1.5).value, 1.5);
  assert.equal(CborFloat.of64(0.1).value, 0.1);
  assert.equal(toHex(encodeCbor(CborFloat.of64(1))), "fb3ff0000000000000");
});
