import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeDatagram, encodeDatagram, encodedLength, type MessageType } from "./codec.ts";
import { formatCode } from "./codes.ts";
import { checkDatagram } from "./precheck.ts";

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));

/** Header of a confirmable GET with message id 1234 and no token. */
const head = "40 01 12 34";

test("a datagram that RFC 7252 does not allow is refused by the name of its fault", () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["", "too-short"],
    ["40 01 12", "too-short"],
    ["40 00 12 34", undefined],
    ["00 01 12 34", "version"],
    ["80 01 12 34", "version"],
    ["49 01 12 34 010203040506070809", "token-length"],
    ["4f 01 12 34", "token-length"],
    ["48 01 12 34 0102030405060708", undefined],
    ["44 01 12 34 010203", "truncated"],
    ["40 00 12 34 ff", "empty-with-content"],
    ["41 00 12 34 aa", "empty-with-content"],
    ["40 20 12 34", "code-class"],
    ["40 c0 12 34", "code-class"],
    ["40 e0 12 34", "code-class"],
    [`${head} ff`, "empty-payload"],
    [`${head} ff 00`, undefined],
    [`${head} b1 6d`, undefined],
    [`${head} b2 6d`, "truncated"],
    [`${head} f0`, "option-format"],
    [`${head} 0f`, "option-format"],
    [`${head} d0`, "truncated"],
    [`${head} e0 00`, "truncated"],
    [`${head} 0d`, "truncated"],
    [`${head} 0e 00 00`, "truncated"],
    [`${head} e0 fe f2`, undefined],
    [`${head} e0 fe f3`, "option-number"],
    [`${head} e0 fe f2 10`, "option-number"],
  ];
  for (const [text, fault] of cases) assert.equal(checkDatagram(hex(text), 1_280), fault, text);
});

test("a datagram may be as long as the limit, and has at most 32 options", () => {
  const long = (bytes: number) => Uint8Array.from([...hex(`${head} ff`), ...new Uint8Array(bytes - 5)]);
  assert.equal(checkDatagram(long(1_280), 1_280), undefined);
  assert.equal(checkDatagram(long(1_281), 1_280), "too-long");
  const options = (count: number) => hex(`${head} b0 ${"00 ".repeat(count - 1)}`);
  assert.equal(checkDatagram(options(32), 1_280), undefined);
  assert.equal(checkDatagram(options(33), 1_280), "option-count");
});

test("only a confirmable message with a readable id is rejected by a reset", () => {
  assert.deepEqual(decodeDatagram(hex("40 01 12 34 ff"), 1_280), { fault: "empty-payload", rejects: 0x1234 });
  assert.deepEqual(decodeDatagram(hex("50 01 12 34 ff"), 1_280), { fault: "empty-payload" });
  assert.deepEqual(decodeDatagram(hex("80 01 12 34"), 1_280), { fault: "version" });
  assert.deepEqual(decodeDatagram(hex("40 01"), 1_280), { fault: "too-short" });
});

test("a message of any content is the same after encoding and decoding, and has the length that was calculated", () => {
  const bytes = (max: number) => fc.uint8Array({ minLength: 0, maxLength: max });
  const form = { noNullPrototype: true } as const;
  const option = fc.record({ number: fc.integer({ min: 1, max: 65_535 }), value: bytes(300) }, form);
  const message = fc.record(
    {
      type: fc.constantFrom<MessageType>("CON", "NON", "ACK", "RST"),
      code: fc.constantFrom(0x01, 0x02, 0x05, 0x1f, 0x44, 0x45, 0x84, 0xa5),
      messageId: fc.integer({ min: 0, max: 65_535 }),
      token: bytes(8),
      options: fc
        .array(option, { maxLength: 12 })
        .map((list) => list.toSorted((a, b) => a.number - b.number)),
      payload: bytes(64),
    },
    form,
  );
  fc.assert(
    fc.property(message, (wanted) => {
      const encoded = encodeDatagram(wanted);
      const decoded = decodeDatagram(encoded, 65_535);
      assert.deepEqual(decoded, { message: wanted });
      assert.equal(encodedLength(wanted, wanted.token.length), encoded.length);
    }),
    { numRuns: 200 },
  );
});

test("random bytes are refused or parsed, and never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 64 }), (noise) => {
      const bytes = Uint8Array.from(noise);
      if (bytes.length > 0) bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
      const decoded = decodeDatagram(bytes, 1_280);
      assert.ok("message" in decoded || decoded.fault);
    }),
    { numRuns: 5_000 },
  );
});

test("a code is written as class and detail", () => {
  assert.deepEqual([0x45, 0x84, 0x01, 0xa3].map(formatCode), ["2.05", "4.04", "0.01", "5.03"]);
});
