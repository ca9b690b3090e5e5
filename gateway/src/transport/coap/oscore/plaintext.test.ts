import assert from "node:assert/strict";
import { test } from "node:test";
import { hex, message, toHex } from "./oscore-test-bed.ts";
import { decodePlaintext, encodePlaintext } from "./plaintext.ts";

test("options at each boundary of the extended delta and length are read as they were written", () => {
  for (const number of [0, 1, 12, 13, 268, 269, 270, 65_535]) {
    for (const length of [0, 12, 13, 268, 269, 1_024]) {
      const value = new Uint8Array(length).fill(length & 0xff);
      const bytes = encodePlaintext(message(0x02, [[number, value]], "x"));
      const decoded = decodePlaintext(bytes);
      assert.equal(decoded?.options[0]?.[0], number);
      assert.equal(toHex(decoded?.options[0]?.[1] ?? hex("00")), toHex(value));
      assert.equal(Buffer.from(decoded?.payload ?? []).toString(), "x");
    }
  }
});

test("64 options are read, 65 are not", () => {
  const withOptions = (count: number) =>
    decodePlaintext(Uint8Array.of(0x02, ...new Array<number>(count).fill(0x10)));
  assert.equal(withOptions(64)?.options.length, 64);
  assert.equal(withOptions(65), undefined);
});

test("a plaintext that is no CoAP message is refused", () => {
  const wrong = {
    "no code": "",
    "a marker without payload": "02ff",
    "a reserved delta": "02f0",
    "a reserved length": "020f",
    "a value that is cut": "0212aa",
    "an extended delta that is cut": "02e0ff",
    "an extended length that is cut": "021d",
    "an option number past 65,535": "02e0ffff",
  };
  for (const [name, bytes] of Object.entries(wrong))
    assert.equal(decodePlaintext(hex(bytes)), undefined, name);
});
