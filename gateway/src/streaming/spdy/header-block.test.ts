import assert from "node:assert/strict";
import { test } from "node:test";
import { constants, createDeflate, deflateRawSync, inflateSync } from "node:zlib";
import fc from "fast-check";
import { ProtocolError } from "../../foundation/errors.ts";
import { headerDictionary, headerDictionaryId } from "./dictionary.ts";
import { HeaderBlockDecoder, HeaderBlockEncoder, headerLimits } from "./header-block.ts";

test("the dictionary has the length and the checksum of the specification", () => {
  let a = 1;
  let b = 0;
  for (const byte of headerDictionary) {
    a = (a + byte) % 65_521;
    b = (b + a) % 65_521;
  }
  assert.equal(headerDictionary.length, 1_423);
  assert.equal(((b << 16) | a) >>> 0, headerDictionaryId);
});

function plainBlock(headers: readonly (readonly [string, string])[], count = headers.length): Buffer {
  const parts = [word(count)];
  for (const [name, value] of headers)
    parts.push(
      word(Buffer.byteLength(name)),
      Buffer.from(name),
      word(Buffer.byteLength(value)),
      Buffer.from(value),
    );
  return Buffer.concat(parts);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Blocks as Go's zlib.Writer makes them: one stream, a sync flush after each. */
async function compress(blocks: readonly Buffer[], level = 6): Promise<Buffer[]> {
  const deflate = createDeflate({ dictionary: headerDictionary, level });
  const compressed: Buffer[] = [];
  for (const block of blocks) {
    const parts: Buffer[] = [];
    deflate.on("data", (bytes: Buffer) => parts.push(bytes));
    deflate.write(block);
    await new Promise<void>((resolve) => deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    deflate.removeAllListeners("data");
    compressed.push(Buffer.concat(parts));
  }
  deflate.destroy();
  return compressed;
}

/** The first block of a stream, stored, so that its plain bytes can be anything. */
function stored(plain: Buffer): Buffer {
  const raw = deflateRawSync(plain, { level: 0, finishFlush: constants.Z_SYNC_FLUSH });
  return Buffer.concat([Buffer.from("7820e3c6a7c2", "hex"), raw]);
}

for (const level of [0, 1, 6, 9]) {
  test(`blocks of one stream decode in order, compressed at level ${level}`, async () => {
    const types = ["error", "stdin", "stdout", "stderr", "resize"];
    const blocks = Array.from({ length: 200 }, (_, index) =>
      plainBlock([
        ["streamtype", types[index % 5] ?? ""],
        ["port", String(8_000 + index)],
        ["requestid", String(index)],
      ]),
    );
    const decoder = new HeaderBlockDecoder();
    for (const [index, block] of (await compress(blocks, level)).entries()) {
      const headers = decoder.decode(block);
      assert.equal(headers.get("streamtype"), types[index % 5]);
      assert.equal(headers.get("requestid"), String(index));
    }
  });
}

test("history beyond 32 KiB is kept as far as deflate looks back", async () => {
  const blocks = Array.from({ length: 60 }, (_, index) =>
    plainBlock([["value", `${index} `.repeat(1_000).slice(0, 3_000)]]),
  );
  const decoder = new HeaderBlockDecoder();
  for (const [index, block] of (await compress(blocks)).entries())
    assert.equal(decoder.decode(block).get("value"), `${index} `.repeat(1_000).slice(0, 3_000));
});

test("our own blocks are one zlib stream that starts from the dictionary", () => {
  const encoder = new HeaderBlockEncoder();
  const empty = encoder.encode(new Map());
  const second = encoder.encode(new Map([["streamtype", "stdin"]]));
  const plain = inflateSync(Buffer.concat([empty, second]), {
    dictionary: headerDictionary,
    finishFlush: constants.Z_SYNC_FLUSH,
  });
  assert.deepEqual(plain, Buffer.concat([plainBlock([]), plainBlock([["streamtype", "stdin"]])]));
  const decoder = new HeaderBlockDecoder();
  assert.equal(decoder.decode(empty).size, 0);
  assert.deepEqual([...decoder.decode(second)], [["streamtype", "stdin"]]);
});

const many = (count: number) => Array.from({ length: count }, (_, index) => [`h${index}`, ""] as const);
const { headers, nameBytes, valueBytes, blockBytes } = headerLimits;

for (const [what, atLimit, beyond, code] of [
  ["headers", plainBlock(many(headers)), plainBlock(many(headers + 1)), "SPDY_HEADER_COUNT"],
  [
    "a name's length",
    plainBlock([["n".repeat(nameBytes), ""]]),
    plainBlock([["n".repeat(nameBytes + 1), ""]]),
    "SPDY_HEADER_TOO_LONG",
  ],
  [
    "a value's length",
    plainBlock([["n", "v".repeat(valueBytes)]]),
    plainBlock([["n", "v".repeat(valueBytes + 1)]]),
    "SPDY_HEADER_TOO_LONG",
  ],
  [
    "the inflated length",
    plainBlock([
      ["a", "v".repeat(valueBytes)],
      ["b", "v".repeat(blockBytes - valueBytes - 22)],
    ]),
    plainBlock([
      ["a", "v".repeat(valueBytes)],
      ["b", "v".repeat(blockBytes - valueBytes - 21)],
    ]),
    "SPDY_HEADER_TOO_LONG",
  ],
] as const) {
  test(`${what} is taken at the limit and refused one past it`, () => {
    assert.ok(new HeaderBlockDecoder().decode(stored(atLimit)).size > 0);
    assert.throws(() => new HeaderBlockDecoder().decode(stored(beyond)), { code });
  });
}

test("a block that would inflate to 16 MB is refused", () => {
  const raw = deflateRawSync(Buffer.alloc(16_000_000), { finishFlush: constants.Z_SYNC_FLUSH });
  const bomb = Buffer.concat([Buffer.from("7820e3c6a7c2", "hex"), raw]);
  assert.throws(() => new HeaderBlockDecoder().decode(bomb), { code: "SPDY_HEADER_TOO_LONG" });
});

for (const [what, block] of [
  ["an empty block", Buffer.alloc(0)],
  [
    "a stream without the dictionary",
    Buffer.concat([Buffer.from("7801", "hex"), stored(plainBlock([])).subarray(6)]),
  ],
  ["no sync flush", stored(plainBlock([])).subarray(0, -1)],
  ["bytes behind the last header", stored(Buffer.concat([plainBlock([]), Buffer.of(0)]))],
  ["a count of headers that are not there", stored(plainBlock([["a", "b"]], 2))],
  ["a name in upper case", stored(plainBlock([["StreamType", "stdin"]]))],
  [
    "a repeated name",
    stored(
      plainBlock([
        ["a", "1"],
        ["a", "2"],
      ]),
    ),
  ],
  ["an empty name", stored(plainBlock([["", "1"]]))],
  ["bytes that are no deflate", Buffer.from("7820e3c6a7c2ffff0000ffff", "hex")],
] as const) {
  test(`${what} is refused`, () => {
    assert.throws(() => new HeaderBlockDecoder().decode(block), { code: "SPDY_HEADER_BLOCK" });
  });
}

test("any block decodes or ends with a ProtocolError", () => {
  const flush = Buffer.from("0000ffff", "hex");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isPlain) => {
      const block = isPlain
        ? stored(Buffer.from(bytes))
        : Buffer.concat([Buffer.from("7820e3c6a7c2", "hex"), bytes, flush]);
      try {
        new HeaderBlockDecoder().decode(block);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
      }
    }),
    { numRuns: 2_000, seed: 37 },
  );
});
