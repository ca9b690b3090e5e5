import assert from "node:assert/strict";
import { test } from "node:test";
import { LineRing, LineSplitter } from "./line-ring.ts";

test("a ring holds as many lines as it may and counts those that fall out", () => {
  const ring = new LineRing(2, 5);
  ring.push("one");
  ring.push("two");
  assert.deepEqual([ring.last(), ring.dropped], [["one", "two"], 0]);
  ring.push("three");
  assert.deepEqual([ring.last(), ring.dropped], [["two", "three"], 1]);
  ring.push("sixsix");
  assert.deepEqual([ring.last(1), ring.last(0)], [["sixsi…"], []]);
});

test("text that is cut at every character gives the same lines", () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const character of "a\r\n\nbc\nd") splitter.push(character);
  assert.deepEqual(lines, ["a", "", "bc"]);
  splitter.end();
  splitter.end();
  assert.deepEqual(lines, ["a", "", "bc", "d"]);
});

test("a line as long as the limit stays whole, a longer one is delivered in pieces", () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line), 4);
  splitter.push("1234");
  assert.deepEqual(lines, []);
  splitter.push("5");
  assert.deepEqual(lines, ["1234"]);
  splitter.push("6\n");
  assert.deepEqual(lines, ["1234", "56"]);
});
