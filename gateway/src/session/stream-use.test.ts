import assert from "node:assert/strict";
import { test } from "node:test";
import { describeUses, type StreamUse } from "./stream-use.ts";

const use = (what: string, who?: string, sinceMs = 0): StreamUse => ({
  what,
  sinceMs,
  ...(who === undefined ? {} : { who }),
});

test("who has streams is told with what for and how long, the streams of one command together", () => {
  const top = use("exec top", "alice", 1_000);
  const rows: readonly (readonly [readonly StreamUse[], string])[] = [
    [[], ""],
    [[use("attach")], "attach (13 s)"],
    [
      [top, top, use("port-forward to 7", "bob", 12_999)],
      "exec top by alice (2 streams, 12 s), port-forward to 7 by bob (0 s)",
    ],
    [[top, use("exec top", "alice", 1_000)], "exec top by alice (12 s), exec top by alice (12 s)"],
    [[use("exec \u001b[2J\n", "eve\u202e")], "exec ?[2J? by eve? (13 s)"],
    [[use(`exec ${"x".repeat(59)}`)], `exec ${"x".repeat(59)} (13 s)`],
    [[use(`exec ${"x".repeat(60)}`)], `exec ${"x".repeat(58)}… (13 s)`],
  ];
  for (const [uses, expected] of rows) assert.equal(describeUses(uses, 13_000), expected);
});

test("six uses are named, a seventh is counted", () => {
  const uses = Array.from({ length: 7 }, (_, index) => use(`exec ${index}`));
  assert.doesNotMatch(describeUses(uses.slice(0, 6), 0), / more/);
  assert.match(describeUses(uses, 0), /^exec 0 .*, exec 5 \(0 s\) and 1 more$/);
});
