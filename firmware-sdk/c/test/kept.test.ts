import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { soak } from "../../../profiles/test/soak.ts";
import { buildFolder, make } from "./driver.ts";

const run = promisify(execFile);

/** Of 160,000, more than 100,000 are corruptions and more than 10,000 come in mote_log. */
const resets = 1_600 * soak;

test("corrupted memory, and faults and resets at any instruction of mote_log, never stop a boot of the board, and what is intact is kept", async (context) => {
  const image = `${buildFolder}kept-board.elf`;
  await make(image);
  const seed = 20_261;
  const { stdout, stderr } = await run(
    "qemu-system-arm",
    [
      ...["-M", "mps2-an385", "-display", "none", "-monitor", "none", "-serial", "none"],
      ...["-icount", "shift=6", "-kernel", image],
      ...["-semihosting-config", `enable=on,target=native,arg=kept,arg=${resets},arg=${seed}`],
    ],
    { timeout: 60_000 + 10 * resets },
  ).catch((error: { stdout: string; stderr: string }) => assert.fail(`${error.stdout}${error.stderr}`));
  const counts = `${stdout}${stderr}`.trim().split(/\s+/).map(Number);
  const [faults, keptAfterFaults, watchdogs, keptAfterWatchdogs, corruptions, , inside, dropping] =
    counts as number[];
  context.diagnostic(
    `${corruptions} corruptions; ${faults} faults, of which ${keptAfterFaults} kept their lines; ${watchdogs} resets ` +
      `by a watchdog, of which ${keptAfterWatchdogs} did; ${inside} of both in mote_log, ${dropping} while it dropped a line`,
  );
  assert.equal(keptAfterFaults, faults);
  assert.ok((corruptions as number) > resets / 2);
  assert.ok((inside as number) > resets / 60, "most interrupts came elsewhere");
  assert.ok((dropping as number) > 0);
});
