import assert from "node:assert/strict";
import { test } from "node:test";
import { Option, optionUint, recognizeOptions, uintOption } from "./options.ts";

const value = (length: number) => new Uint8Array(length);

test("an unknown critical option is named, and an unknown elective one is left out", () => {
  assert.equal(recognizeOptions([{ number: 2_049, value: value(0) }]).unrecognized, 2_049);
  assert.deepEqual(recognizeOptions([{ number: 2_050, value: value(0) }]), { recognized: [] });
});

test("an option of a wrong length counts as unknown", () => {
  const path = (length: number) => ({ number: Option.uriPath, value: value(length) });
  assert.equal(recognizeOptions([path(255)]).recognized.length, 1);
  assert.equal(recognizeOptions([path(256)]).unrecognized, Option.uriPath);
  const echo = (length: number) => ({ number: Option.echo, value: value(length) });
  assert.equal(recognizeOptions([echo(40)]).recognized.length, 1);
  assert.deepEqual(recognizeOptions([echo(41)]), { recognized: [] });
  assert.deepEqual(recognizeOptions([echo(0)]), { recognized: [] });
});

test("an option that must not be repeated counts once if it is elective, and is refused if it is critical", () => {
  const observe = uintOption(Option.observe, 0);
  assert.deepEqual(recognizeOptions([observe, uintOption(Option.observe, 1)]).recognized, [observe]);
  const host = { number: Option.uriHost, value: value(3) };
  assert.equal(recognizeOptions([host, host]).unrecognized, Option.uriHost);
  const path = { number: Option.uriPath, value: value(1) };
  assert.equal(recognizeOptions([path, path]).recognized.length, 2);
});

test("an unsigned integer has as few bytes as possible", () => {
  for (const [number, bytes] of [
    [0, 0],
    [1, 1],
    [255, 1],
    [256, 2],
    [65_536, 3],
    [16_777_215, 3],
  ] as const) {
    const option = uintOption(Option.observe, number);
    assert.equal(option.value.length, bytes);
    assert.equal(optionUint([option], Option.observe), number);
  }
  assert.equal(optionUint([], Option.observe), undefined);
});
