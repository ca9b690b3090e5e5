import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { RigError } from "./errors.ts";
import { startProcess } from "./process.ts";
import { waitFor } from "./wait.ts";

/** A process that has ended stays in the table until its parent, or init, has looked. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const shell = (name: string, script: string, keepLines?: number) =>
  startProcess({ name, command: "sh", args: ["-c", script], ...(keepLines ? { keepLines } : {}) });

test("a line that was said and a line that is still to come are both found", async () => {
  await using child = shell("talker", "echo first; read -r word; echo got $word >&2; sleep 60");
  assert.equal((await child.waitForLine(/^first$/, { deadlineMs: 30_000 }))[0], "first");
  child.stdin.write("late\n");
  assert.equal((await child.waitForLine(/got (\w+)/, { deadlineMs: 30_000 }))[1], "late");
  assert.equal((await child.waitForLine(/^first$/g, { deadlineMs: 30_000 }))[0], "first");
});

test("waiting for a line fails at its deadline and says what came instead", async () => {
  await using child = shell("talker", "echo something else; sleep 60");
  await assert.rejects(
    child.waitForLine(/never/, { deadlineMs: 300 }),
    (error) =>
      error instanceof RigError && error.code === "DEADLINE_PASSED" && /something else/.test(error.message),
  );
});

test("waiting for a line fails at once when the process ends, with its last lines", async () => {
  await using child = shell("loser", "echo reason >&2; exit 3");
  await assert.rejects(
    child.waitForLine(/never/, { deadlineMs: 30_000 }),
    (error) =>
      error instanceof RigError && error.code === "PROCESS_ENDED" && /code 3.*reason/s.test(error.message),
  );
  assert.deepEqual(child.exitStatus, { code: 3, signal: null });
});

test("a command that does not exist ends with 127 and says so", async () => {
  await using child = startProcess({ name: "nothing", command: "no-such-command-here" });
  assert.equal((await child.exited).code, 127);
  assert.match(child.lastLines().join("\n"), /no-such-command-here.*not found/);
});

test("the last lines are kept, as many as asked for and none more", async () => {
  await using child = shell("counter", "for i in 1 2 3 4 5; do echo line $i; done; printf open", 3);
  await child.exited;
  assert.deepEqual(child.lastLines(), ["line 4", "line 5", "open"]);
  assert.deepEqual(child.lastLines(1), ["open"]);
});

test("a process that ignores SIGTERM is killed after its grace, with what it started", async () => {
  await using child = shell("stubborn", "trap '' TERM; sleep 61 & echo $!; while :; do wait; done");
  const grandchild = Number((await child.waitForLine(/^\d+$/, { deadlineMs: 30_000 }))[0]);
  assert.equal(isAlive(grandchild), true);
  assert.equal((await child.stop({ graceMs: 200 })).signal, "SIGKILL");
  await waitFor(() => !isAlive(grandchild), { deadlineMs: 30_000, what: "the grandchild to be gone" });
});

test("all waiting fails at once, with its last lines, when a vital process ends that nobody told to", async () => {
  const startedMs = performance.now();
  {
    await using victim = startProcess({
      name: "victim",
      command: "sh",
      args: ["-c", "echo ouch >&2; exit 3"],
      vital: true,
    });
    await assert.rejects(
      waitFor(() => false, { deadlineMs: 60_000, what: "better days" }),
      (error) =>
        error instanceof RigError &&
        error.code === "PROCESS_ENDED" &&
        /waiting for better days: victim ended with code 3.*ouch/s.test(error.message),
    );
    assert.equal(victim.exitStatus?.code, 3);
  }
  assert.ok(performance.now() - startedMs < 30_000);
  // Whoever has looked after it may go on.
  assert.equal(await waitFor(() => "on", { deadlineMs: 30_000, what: "going on" }), "on");
  await assert.rejects(
    waitFor(() => false, { deadlineMs: 100, what: "nothing" }),
    (error) => error instanceof RigError && error.code === "DEADLINE_PASSED",
  );
});

test("a vital process that is told to end, and any other, is no reason to give up", async () => {
  await using told = startProcess({ name: "told", command: "sleep", args: ["63"], vital: true });
  told.kill("SIGKILL");
  await told.exited;
  await using other = shell("other", "exit 3");
  await other.exited;
  await assert.rejects(
    waitFor(() => false, { deadlineMs: 100, what: "nothing" }),
    (error) => error instanceof RigError && error.code === "DEADLINE_PASSED",
  );
});

for (const end of ["SIGKILL", "SIGTERM", "exit"] as const) {
  test(`children and temporary folders go when their parent ends by ${end}`, async () => {
    const script = `
      import { startProcess } from ${JSON.stringify(path.join(import.meta.dirname, "process.ts"))};
      import { makeTemporaryFolder } from ${JSON.stringify(path.join(import.meta.dirname, "watchdog.ts"))};
      const folder = makeTemporaryFolder("motelet-test with space-");
      const kept = startProcess({ name: "sleeper", command: "sleep", args: ["62"] });
      const ended = startProcess({ name: "true", command: "true" });
      await ended.exited;
      console.log(JSON.stringify({ pid: kept.pid, folder: folder.path }));
      process.stdin.once("data", () => process.exit(0));
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", script]);
    const [line] = (await once(createInterface(parent.stdout), "line")) as [string];
    const { pid, folder } = JSON.parse(line) as { pid: number; folder: string };
    assert.equal(isAlive(pid), true);
    assert.equal(existsSync(folder), true);
    if (end === "exit") parent.stdin.write("now");
    else parent.kill(end);
    await waitFor(() => !isAlive(pid) && !existsSync(folder), {
      deadlineMs: 30_000,
      what: "child and folder to be gone",
    });
  });
}
