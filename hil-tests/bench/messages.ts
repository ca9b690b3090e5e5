import { setTimeout as delay } from "node:timers/promises";
import { memoryFlags } from "../../gateway/cli/memory-flags.ts";
import { cpuSeconds } from "./cpu-account.ts";
import { atLeastTimes, type Figure, plainFigure } from "./figure.ts";
import { ask, startScript } from "./line-process.ts";

const devices = 400;
const rounds = 3;
const warmUpMs = 2_000;
const roundMs = 3_000;

/** What a server took in while it was busy. */
export interface Throughput {
  /** Messages a second of time as it went by. */
  readonly perSecond: number;
  /** Messages a second of the server's processor time: what it would be if nobody else used the machine. */
  readonly perProcessorSecond: number;
}

/** Messages a second through the gateway's layers, compared with bare aedes: same devices, same beats. */
export async function messageFigures(): Promise<Figure[]> {
  const aedes: Throughput[] = [];
  const motelet: Throughput[] = [];
  // In turns, so that what else the machine does meets both.
  for (let round = 0; round < rounds; round++) {
    aedes.push(await throughput("bare-aedes", []));
    motelet.push(await throughput("message-plane", [String(devices)], memoryFlags));
  }
  const best = (of: readonly Throughput[], by: keyof Throughput) => Math.max(...of.map((each) => each[by]));
  const rival = { name: "aedes", value: best(aedes, "perProcessorSecond") };
  return [
    atLeastTimes(0.6, rival, {
      name: "beats through the gateway, a second of processor time",
      value: best(motelet, "perProcessorSecond"),
      unit: "1/s",
    }),
    {
      ...plainFigure({
        name: "beats through the gateway, a second",
        value: best(motelet, "perSecond"),
        unit: "1/s",
      }),
      against: "aedes",
      ratio: best(motelet, "perSecond") / best(aedes, "perSecond"),
    },
  ];
}

/** @param flags of node, e.g. --cpu-prof */
export async function throughput(
  server: string,
  args: readonly string[],
  flags: readonly string[] = [],
): Promise<Throughput> {
  const { process: serving, firstLine } = await startScript(server, args, flags);
  await using _serving = serving;
  const { port } = JSON.parse(firstLine) as { port: number };
  const seconds = (warmUpMs + roundMs) / 1000 + 2;
  const publishers = await startScript("publishers", [String(port), String(devices), String(seconds)]);
  await using _publishers = publishers.process;
  await delay(warmUpMs);
  const startedMs = performance.now();
  const before = { ...(await ask<{ received: number }>(serving)), cpuS: cpuSeconds(serving.pid) };
  await delay(roundMs);
  const after = { ...(await ask<{ received: number }>(serving)), cpuS: cpuSeconds(serving.pid) };
  const received = after.received - before.received;
  return {
    perSecond: (received / (performance.now() - startedMs)) * 1000,
    perProcessorSecond: received / (after.cpuS - before.cpuS),
  };
}
