import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { before, suite, test } from "node:test";
import { program } from "./driver.ts";

const {
  cases,
}: {
  readonly cases: readonly {
    readonly name: string;
    readonly steps: readonly (readonly [what: string, atMs: number, waitMs?: number])[];
  }[];
} = JSON.parse(await readFile(new URL("../../reference/reconnect-cases.json", import.meta.url), "utf8"));
let start: Awaited<ReturnType<typeof program>>;

/** The waits that follow these steps. @param beganMs what the clock showed at their 0 */
function waitsAfter(steps: (typeof cases)[number]["steps"], beganMs: number): number[] {
  const lines = steps.map(([what, atMs]) => `${what} ${(beganMs + atMs) % 2 ** 32}\n`);
  const { status, stdout, stderr } = spawnSync(start.command, start.args, {
    input: lines.join(""),
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout.trim().split("\n").map(Number);
}

suite("a device that connects again", () => {
  before(async () => {
    start = await program("reconnect");
  });

  for (const { name, steps } of cases)
    test(`${name}, also when the clock wraps`, () => {
      const waits = steps.flatMap(([, , waitMs]) => (waitMs === undefined ? [] : [waitMs]));
      for (const beganMs of [0, 2 ** 32 - 30_000, 2 ** 32 - 5])
        assert.deepEqual(waitsAfter(steps, beganMs), waits);
    });

  test("is never kept longer than the bounds, however often it was cut or failed", () => {
    for (const [what, longestMs] of [
      ["failed", 1_500],
      ["cut", 16_000],
    ] as const) {
      const steps = Array.from({ length: 1_000 }, (_, index) => [what, index] as const);
      const waits = waitsAfter(steps, 0);
      assert.equal(Math.max(...waits), longestMs);
      assert.deepEqual(new Set(waits.slice(10)), new Set([longestMs]));
    }
  });
});
