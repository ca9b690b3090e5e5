import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScript } from "./parse-script.ts";
import { stdinOwners } from "./stdin-owners.ts";

test("stdin goes to the last command that could read, and to those in its place", () => {
  /** Programs in capitals read. */
  const reads = ([name = ""]: readonly string[]) => /^[A-Z]/.test(name);
  const rows = [
    ["A", "A"],
    ["a", ""],
    ["A; B", "B"],
    ["A; b", "A"],
    ["A && b", "A"],
    ["a && B || C", "B C"],
    ["A && B || C", "B C"],
    ["A || B && C", "C"],
    ["A || b && C", "C"],
    ["A || B; c", "A B"],
    ["a; (B || C)", "B C"],
    ["(A; B) && c", "B"],
    ["(A; B) && C", "C"],
    ["{ A; (b; C); d; }", "C"],
  ] as const;
  for (const [script, expected] of rows) {
    const parsed = parseScript(script);
    assert.ok("list" in parsed);
    const owners = [...stdinOwners(parsed.list, reads)].map(({ words }) => words[0]);
    assert.equal(owners.join(" "), expected, script);
  }
});
