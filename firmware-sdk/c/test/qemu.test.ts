import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { testCommands } from "./device-commands.ts";
import { testDevice } from "./device-suite.ts";
import { make } from "./driver.ts";
import { Gateway } from "./gateway.ts";
import { startGuest } from "./guest.ts";

before(() => make("cortex-m"));

testDevice("cortex-m", startGuest);
testCommands("cortex-m", startGuest);

/** Ticks of 10 ms of CPU that a process has used (proc(5)). */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

test("cortex-m: an idle guest waits for interrupts and does not spin", async (context) => {
  await using guest = await startGuest();
  await using gateway = await Gateway.connect(guest.path);
  await gateway.until("a hello", () => gateway.hellos.length > 0);
  const beforeTicks = await cpuTicks(guest.pid);
  const windowMs = 2000;
  await new Promise((resolve) => setTimeout(resolve, windowMs));
  const percent = (((await cpuTicks(guest.pid)) - beforeTicks) * 1000) / windowMs;
  context.diagnostic(`cortex-m: idle at ${percent} % of a core`);
  assert.ok(percent < 15, `${percent} % of a core`);
});

test("cortex-m: power-ons draw different boot numbers, a reset raises the number", async () => {
  const boots = new Set<number>();
  for (let i = 0; i < 4; i++) {
    await using guest = await startGuest();
    await using gateway = await Gateway.connect(guest.path);
    await gateway.until("a hello", () => gateway.hellos.length > 0);
    const first = gateway.hellos[0]?.boot ?? 0;
    boots.add(first);
    assert.equal(gateway.hellos[0]?.resetCause, 1);
    if (i === 0) {
      await gateway.request(2);
      await gateway.until("the next boot", () => gateway.hellos.some(({ boot }) => boot === first + 1));
    }
  }
  assert.equal(boots.size, 4);
});
