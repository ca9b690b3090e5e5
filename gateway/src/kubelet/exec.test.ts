import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestError } from "../foundation/errors.ts";
import { commandLimits, parseCommand } from "./exec.ts";

function queryOf(words: readonly string[]): URLSearchParams {
  return new URLSearchParams(words.map((word): [string, string] => ["command", word]));
}

test("a command keeps its words as they are, empty and odd ones too", () => {
  const words = ["echo", "", "a b", "+", "ä", "--tty=1"];
  assert.deepEqual(parseCommand(queryOf(words)), words);
});

test("no command is refused", () => {
  assert.throws(() => parseCommand(queryOf([])), { code: "COMMAND_MISSING" });
});

test("as many arguments as the limit are taken, one more is refused", () => {
  const words = Array<string>(commandLimits.arguments).fill("a");
  assert.equal(parseCommand(queryOf(words)).length, commandLimits.arguments);
  assert.throws(() => parseCommand(queryOf([...words, "a"])), RequestError);
});

test("as many bytes as the limit are taken, one more is refused; a character counts its bytes", () => {
  const word = "ä".repeat(commandLimits.bytes / 2);
  assert.deepEqual(parseCommand(queryOf([word])), [word]);
  assert.throws(() => parseCommand(queryOf([word, "a"])), {
    code: "COMMAND_TOO_LONG",
    message: `command of 2 arguments, ${commandLimits.bytes + 1} bytes: limits 256, 32768`,
  });
});
