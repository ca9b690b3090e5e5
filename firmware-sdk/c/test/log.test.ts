import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { soak } from "../../../profiles/test/soak.ts";
import { sdkVersion } from "./boot-line.ts";
import { buildFolder, make } from "./driver.ts";

const run = promisify(execFile);

/** Runs a program of the host, and returns the numbers that it prints. */
async function numbersOf(name: string, ...args: readonly string[]): Promise<number[]> {
  const program = `${buildFolder}host/${name}`;
  await make(program);
  const { stdout } = await run(program, args).catch((error: { stdout: string; stderr: string }) =>
    assert.fail(`${name}: ${error.stdout}${error.stderr}`),
  );
  return stdout.trim().split(" ").map(Number);
}

for (const sanitizer of ["address", "thread"]) {
  test(`four threads that hammer a queue lose no line unseen, under the ${sanitizer} sanitizer`, async (context) => {
    const lines = 10_000 * soak;
    const [arrived = 0, lost = 0] = await numbersOf(`log-queue-threads-${sanitizer}`, String(lines));
    context.diagnostic(`${arrived} lines arrived, ${lost} were counted as lost`);
    assert.equal(arrived + lost, 4 * lines);
    assert.ok(arrived > 0 && lost > 0);
  });
}

test("interrupts that log at any instruction of the board lose no line unseen, and hurt nobody else's", async (context) => {
  const image = `${buildFolder}log-queue-board.elf`;
  await make(image);
  const interrupts = 5_000 * soak;
  const { stdout, stderr } = await run(
    "qemu-system-arm",
    [
      ...["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "none"],
      ...["-icount", "shift=6,sleep=off", "-kernel", image],
      ...["-semihosting-config", `enable=on,target=native,arg=queue,arg=${interrupts},arg=20261`],
    ],
    { timeout: 60_000 + 10 * interrupts },
  ).catch((error: { stdout: string; stderr: string }) => assert.fail(`${error.stdout}${error.stderr}`));
  const [arrived = 0, lost = 0, inLoop = 0, inInterrupt = 0, inPoll = 0] = `${stdout}${stderr}`
    .trim()
    .split(" ")
    .map(Number);
  context.diagnostic(
    `${interrupts} interrupts: ${inLoop} within a line of the loop, ${inInterrupt} within one of another interrupt, ` +
      `${inPoll} within the poll; ${arrived} lines arrived, ${lost} were counted as lost`,
  );
  assert.ok(arrived > interrupts / 5 && lost > 0);
  assert.ok(inLoop > interrupts / 200 && inInterrupt > interrupts / 50 && inPoll > interrupts / 50);
});

test("the version of the C SDK is that of the packages", async () => {
  const { version } = JSON.parse(
    await readFile(new URL("../../reference/package.json", import.meta.url), "utf8"),
  );
  assert.equal(await sdkVersion(), `motelet-c ${version}`);
});
