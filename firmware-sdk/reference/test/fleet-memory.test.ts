import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { startFleetBroker } from "./fleet-broker.ts";

const devices = process.env.MOTELET_SOAK ? { few: 500, many: 3_000 } : { few: 100, many: 500 };
const maxBytesEach = 60 * 1024;

test(`each device beyond ${devices.few} of a fleet takes 60 KiB at most`, { timeout: 120_000 }, async (t) => {
  await using broker = await startFleetBroker();
  const child = fork(join(import.meta.dirname, "fleet-process.ts"), [broker.url], {
    execArgv: ["--conditions=motelet-source", "--disable-warning=ExperimentalWarning", "--expose-gc"],
  });
  t.after(() => child.kill());
  const memoryOf = async (count: number): Promise<number> => {
    child.send(count);
    const [bytes] = (await once(child, "message", { signal: t.signal })) as [number];
    return bytes;
  };
  const few = await memoryOf(devices.few);
  const many = await memoryOf(devices.many);
  const each = (many - few) / (devices.many - devices.few);
  t.diagnostic(`${(each / 1024).toFixed(1)} KiB each, ${(many / 1024 / 1024).toFixed(0)} MiB in all`);
  assert.ok(each <= maxBytesEach, `${Math.round(each)} bytes each`);
});
