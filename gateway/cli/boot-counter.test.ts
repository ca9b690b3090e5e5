import assert from "node:assert/strict";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BootCounter } from "./boot-counter.ts";

test("boot numbers go on where the last process ended, each device for itself", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "motelet-boot-"));
  t.after(() => rm(directory, { recursive: true }));
  assert.equal(new BootCounter(join(directory, "state"), "a/b").next(), 1);
  const counter = new BootCounter(join(directory, "state"), "a/b");
  assert.equal(counter.next(), 2);
  counter.keep(9);
  assert.equal(new BootCounter(join(directory, "state"), "a/b").next(), 10);
  assert.equal(new BootCounter(join(directory, "state"), "c").next(), 1);
  assert.deepEqual((await readdir(join(directory, "state"))).sort(), ["a_b.boot", "c.boot"]);
});
