import { setTimeout as delay } from "node:timers/promises";
import { atLeastTimes, type Figure } from "./figure.ts";
import { ask, startScript } from "./line-process.ts";

const devices = 400;
const rounds = 3;
const warmUpMs = 2_000;
const roundMs = 3_000;

/** Messages a second through the gateway's floors, beside aedes with nothing around it: same devices, same beats. */
export async function messageFigures(): Promise<Figure[]> {
  const best = { aedes: 0, motelet: 0 };
  // In turns, so that what else the machine does meets both.
  for (let round = 0; round < rounds; round++) {
    best.aedes = Math.max(best.aedes, await perSecond("bare-aedes", []));
    best.motelet = Math.max(best.motelet, await perSecond("message-plane", [String(devices)]));
  }
  const rival = { name: "aedes", value: best.aedes };
  return [atLeastTimes(0.6, rival, { name: "beats through the gateway", value: best.motelet, unit: "1/s" })];
}

/** @param flags of node, e.g. --cpu-prof */
export async function perSecond(
  server: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<number> {
  const { process: serving, firstLine } = await startScript(server, args, flags);
  await using _serving = serving;
  const { port } = JSON.parse(firstLine) as { port: number };
  const seconds = (warmUpMs + roundMs) / 1000 + 2;
  const publishers = await startScript("publishers", [String(port), String(devices), String(seconds)]);
  await using _publishers = publishers.process;
  await delay(warmUpMs);
  const startedMs = performance.now();
  const before = await ask<{ received: number }>(serving);
  await delay(roundMs);
  const after = await ask<{ received: number }>(serving);
  return ((after.received - before.received) / (performance.now() - startedMs)) * 1000;
}
