import assert from "node:assert/strict";
import { test } from "node:test";
import { soak } from "../../../profiles/test/soak.ts";
import { numbersOf, share } from "./driver.ts";

test("formatting writes integers, texts and hex as C does, in any room, and stops at what it does not know", async () => {
  await numbersOf("log-format-table");
});

test("a queue of lines keeps order, levels and whole characters, and counts what had no room, at each limit and one past it", async () => {
  await numbersOf("log-queue-limits");
});

test("an exit code of any size ends a stream with 0 to 255, and a part of a sector of 128 KiB is programmed whole", async () => {
  await numbersOf("wide-numbers");
});

test("a ring with corrupted memory is read and written within bounds, though its check be right", async (context) => {
  const count = Math.ceil((1_000 * soak) / share);
  const [taken = 0, forged = 0] = await numbersOf("kept", `${count} 7\n`);
  context.diagnostic(`${taken} of ${count} were taken over; ${forged} had a check that was made right`);
  assert.ok(forged > count / 4);
  assert.ok(taken > 0);
});
