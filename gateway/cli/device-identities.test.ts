import assert from "node:assert/strict";
import { test } from "node:test";
import { OptionError } from "@motelet/reference";
import { parseIdentities } from "./device-identities.ts";

test("a YAML list and its JSON form give the same identities", () => {
  const yaml =
    "- {name: lamp, wireId: lamp1, generation: 2, password: s3, board: nano}\n- {wireId: fan, password: x}\n";
  const identities = parseIdentities(yaml, "file");
  assert.deepEqual(identities, [
    { name: "lamp", wireId: "lamp1", generation: 2, password: "s3", board: "nano" },
    { name: "fan", wireId: "fan", generation: 1, password: "x" },
  ]);
  assert.deepEqual(parseIdentities(JSON.stringify(identities), "file"), identities);
});

test("what is wrong is said with its place, and never with the password", () => {
  const cases: [string, RegExp][] = [
    ["{}", /file: expected a list/],
    ["[7]", /file\[0\]: expected an object/],
    ["- {wireId: Lamp, password: hunter2}", /file\[0\]: expected wireId/],
    ["- {wireId: abcdefghijklm, password: hunter2}", /file\[0\]: expected wireId/],
    ["- {wireId: a, password: hunter2, generation: -1}", /file\[0\]: expected generation/],
    ["- {wireId: a}", /file\[0\]: expected password/],
    ["- {wireId: a, password: hunter2}\n- {wireId: a, password: hunter2}", /wireId aoccurs twice/],
    ["- {wireId: a, password: 'hunter2\n", /neither YAML nor JSON/],
  ];
  for (const [text, expected] of cases) {
    assert.throws(
      () => parseIdentities(text, "file"),
      (error) =>
        error instanceof OptionError && expected.test(error.message) && !/hunter2/.test(error.message),
      text,
    );
  }
});
