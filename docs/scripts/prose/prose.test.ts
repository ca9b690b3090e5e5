import assert from "node:assert/strict";
import { test } from "node:test";
import { findPhrases } from "./find-phrases.ts";
import { phrases } from "./phrases.ts";

const foundIn = (path: string, text: string) =>
  findPhrases(path, text).map(({ line, found }) => `${line}: ${found}`);

test("each avoided wording is refused in its example, and its replacement passes every pattern", () => {
  for (const phrase of phrases) {
    const [avoid, write] = phrase.example;
    assert.equal(findPhrases("a.md", avoid, [phrase]).length, 1, avoid);
    assert.deepEqual(foundIn("a.md", write), [], write);
  }
});

test("a wording is found over a line break, with the line on which it begins", () => {
  assert.deepEqual(foundIn("a.md", "It is\nkept so\nlong.\n\nIt waits for\n  ever."), [
    "2: so long",
    "5: for ever",
  ]);
  assert.deepEqual(foundIn("a.ts", "/**\n * It is so\n * long.\n */"), ["2: so long"]);
  assert.deepEqual(foundIn("a.ts", "// It is so\n// long.\nx();"), ["2: so long".replace("2", "1")]);
});

test("Markdown code, links and HTML comments are no prose", () => {
  const text = "`door` [a](door.md) <!-- door -->\n\n```sh\nopen door\n```\n\n``the `door` ``";
  assert.deepEqual(foundIn("a.md", text), []);
  assert.deepEqual(foundIn("a.md", "a\n\n```\ncode\n```\n\nthe door"), ["7: door"]);
});

test("of code comments are prose, and texts of several words outside tests", () => {
  const thrown = "throw new Error(`the door $" + "{door} waits for ever`);";
  const source = `const door = "door" + '/* door */'; // a door\n${thrown}`;
  assert.deepEqual(foundIn("src/a.ts", source), ["1: door", "2: door", "2: for ever"]);
  assert.deepEqual(foundIn("src/a.test.ts", source), ["1: door"]);
  assert.deepEqual(foundIn("a.ts", "const quoted = /[\"'`]/;\n/* so many */"), ["2: so many"]);
  assert.deepEqual(foundIn("a.ts", "const slow = a / b; // a `door`, Math.floor"), []);
  assert.deepEqual(foundIn("a.c", "char quote = '\"'; /* a door */"), ["1: door"]);
  assert.deepEqual(foundIn("a.h", "/* Kept anew. */\nint door;\n"), ["1: anew"]);
});

test("YAML is checked with its comments, other files are not read", () => {
  assert.deepEqual(foundIn("a.yaml", "# a door\ndescription: for ever\n"), ["1: door", "2: for ever"]);
  assert.deepEqual(foundIn("a.json", '"door"'), []);
});
