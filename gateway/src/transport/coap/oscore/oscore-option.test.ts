import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeOscoreOption,
  encodeOscoreOption,
  encodePartialIv,
  maxSequence,
  type OscoreOption,
  partialIvValue,
} from "./oscore-option.ts";
import { hex, toHex } from "./oscore-test-bed.ts";

test("a Partial IV is the shortest big-endian form, and zero is one byte", () => {
  const rows: [number, string][] = [
    [0, "00"],
    [255, "ff"],
    [256, "0100"],
    [65_536, "010000"],
    [maxSequence, "ffffffffff"],
  ];
  for (const [sequence, bytes] of rows) {
    assert.equal(toHex(encodePartialIv(sequence)), bytes);
    assert.equal(partialIvValue(hex(bytes)), sequence);
  }
});

test("each combination of the option's parts is read as it was written", () => {
  const parts: OscoreOption[] = [
    {},
    { partialIv: hex("ffffffffff") },
    { kid: hex("") },
    { partialIv: hex("14"), kid: hex("0a0b0c") },
    { partialIv: hex("0100"), kidContext: hex(""), kid: hex("01") },
    { kidContext: hex("37cbf3210017a2d3") },
  ];
  for (const option of parts) {
    const decoded = decodeOscoreOption(encodeOscoreOption(option));
    const text = (given: OscoreOption | undefined) =>
      Object.entries(given ?? { none: hex("") }).map(([name, value]) => `${name}=${toHex(value)}`);
    assert.deepEqual(text(decoded), text(option));
  }
});

test("an option with reserved bits, a missing byte, a leading zero or bytes too many is refused", () => {
  const wrong = {
    "a zero byte instead of nothing": "00",
    "reserved bit 5": "20",
    "reserved bit 7": "8114",
    "a Partial IV of 6 bytes": "06010203040506",
    "a Partial IV of 7 bytes": "0701020304050607",
    "a Partial IV that is cut": "0201",
    "a Partial IV with a leading zero": "020014",
    "a kid context without a length": "10",
    "a kid context that is cut": "1003aabb",
    "bytes after the last part": "0114ff",
  };
  for (const [name, value] of Object.entries(wrong))
    assert.equal(decodeOscoreOption(hex(value)), undefined, name);
});
