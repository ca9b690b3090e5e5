import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "../../foundation/errors.ts";
import { parseStreamOptions } from "./protocols.ts";

for (const [query, options] of [
  ["input=1&output=1&error=1", { tty: false, stdin: true, stdout: true, stderr: true }],
  ["output=1&error=1&tty=1", { tty: true, stdin: false, stdout: true, stderr: false }],
  ["output=true&input=1", { tty: false, stdin: true, stdout: false, stderr: false }],
] as const) {
  test(`${query} asks for these streams`, () => {
    assert.deepEqual(parseStreamOptions(new URLSearchParams(query)), options);
  });
}

for (const query of ["", "output=0", "error=1&tty=1"]) {
  test(`"${query}" asks for no stream and is refused`, () => {
    assert.throws(() => parseStreamOptions(new URLSearchParams(query)), RequestError);
  });
}
