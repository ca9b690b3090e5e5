import assert from "node:assert/strict";
import { test } from "node:test";
import { splitText } from "./text.ts";

test("a text is cut between characters, at the limit and not before", () => {
  assert.deepEqual(splitText("abcd", 4), ["abcd"]);
  assert.deepEqual(splitText("abcde", 4), ["abcd", "e"]);
  assert.deepEqual(splitText("abc€", 5), ["abc", "€"]);
  assert.deepEqual(splitText("ab€", 5), ["ab€"]);
  assert.deepEqual(splitText("", 4), [""]);
  assert.deepEqual(splitText("\ud800", 4), ["\ufffd"]);
});
