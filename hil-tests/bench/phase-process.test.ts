import assert from "node:assert/strict";
import { test } from "node:test";
import { plainFigure } from "./figure.ts";
import { figuresLine, runPhase } from "./phase-process.ts";

const first = plainFigure({ name: "first", value: 1, unit: "s" });
const second = plainFigure({ name: "second", value: 2, unit: "s" });
const phase = (script: string, deadlineS = 60) =>
  runPhase({ name: "a phase", command: "sh", args: ["-c", script], deadlineS });

test("a phase that ends gives all its figures", async () => {
  const outcome = await phase(
    `echo '${figuresLine([first])}'; echo so far so good; echo '${figuresLine([second])}'`,
  );
  assert.deepEqual(outcome, { figures: [first, second] });
});

test("one that fails, or dies, keeps its figures so far and says why", async () => {
  const failed = await phase(`echo '${figuresLine([first])}'; echo only 3 of 5 Pods are there >&2; exit 1`);
  assert.deepEqual(failed.figures, [first]);
  assert.match(failed.error?.message ?? "", /a phase ended with code 1.*only 3 of 5 Pods are there/s);
  const died = await phase(`echo '${figuresLine([first])}'; kill -9 $$`);
  assert.deepEqual(died.figures, [first]);
  assert.match(died.error?.message ?? "", /was ended by SIGKILL/);
});

test("one that hangs is ended at its deadline, with what it has started, and says what was missing", async () => {
  const startedMs = performance.now();
  const hung = await phase(
    `echo '${figuresLine([first])}'; echo '40 s: Pods 3086 of 5000' >&2; trap '' TERM; sleep 61 & wait`,
    1,
  );
  assert.deepEqual(hung.figures, [first]);
  assert.equal(hung.error?.code, "DEADLINE_PASSED");
  assert.match(hung.error?.message ?? "", /not over after 1 s.*Pods 3086 of 5000/s);
  assert.ok(performance.now() - startedMs < 30_000);
});
