import assert from "node:assert/strict";
import { test } from "node:test";
import { CopyMarks } from "./copy-marks.ts";

const mark = { headers: 1, digest: "x" };

test("as many as the limit are remembered; one more forgets the oldest", () => {
  const marks = new CopyMarks(2);
  marks.set("a", mark);
  marks.set("b", mark);
  assert.deepEqual([marks.size, marks.get("a")], [2, mark]);
  // Interrupted again: it is the newest now.
  marks.set("a", { headers: 2, digest: "y" });
  marks.set("c", mark);
  assert.deepEqual([marks.size, marks.get("b"), marks.get("a")?.headers], [2, undefined, 2]);
  marks.delete("c");
  assert.equal(marks.size, 1);
});
