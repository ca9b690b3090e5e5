import path from "node:path";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { BenchCluster } from "./bench-cluster.ts";
import { bringUp, bringUpFigures } from "./bring-up.ts";
import type { Figure } from "./figure.ts";
import { kwokNodesPerSecond } from "./kwok.ts";
import { memoryFigures, restingBytes } from "./memory.ts";
import { restWriteFigures } from "./rest-writes.ts";
import { startUpFigures } from "./start-up.ts";

/**
 * Everything that needs an API server, on one, in the order of size.
 * @param say is told what begins
 * @param many devices at the end, for the slope of memory
 */
export async function nodePlaneFigures(say: (what: string) => void, many: number): Promise<Figure[]> {
  await using folder = makeTemporaryFolder("motelet-bench-");
  const auditLog = path.join(folder.path, "audit.log");
  say("a control plane");
  await using cluster = await BenchCluster.start(auditLog);
  say("start-up");
  const figures = await startUpFigures(cluster);
  say("200 devices beside kwok, and at rest");
  figures.push(...(await smallFleet(cluster, auditLog, 200)));
  say(`1,000 devices beside kwok, and ${many}`);
  figures.push(...(await largeFleet(cluster, 1_000, many)));
  return figures;
}

async function smallFleet(cluster: BenchCluster, auditLog: string, devices: number): Promise<Figure[]> {
  const kwok = await kwokNodesPerSecond(cluster, devices);
  await using gateway = await cluster.startGateway();
  const rates = await bringUp(cluster, gateway, await cluster.makeDevices(0, devices));
  await using fleet = rates.fleet;
  const figures = [...bringUpFigures(devices, rates, kwok), ...(await restWriteFigures(auditLog, devices))];
  await fleet.stop();
  await cluster.removeDevices();
  return figures;
}

async function largeFleet(cluster: BenchCluster, few: number, many: number): Promise<Figure[]> {
  const kwok = await kwokNodesPerSecond(cluster, few);
  await using gateway = await cluster.startGateway();
  const { pid } = gateway.process;
  const empty = await restingBytes(pid);
  const first = await bringUp(cluster, gateway, await cluster.makeDevices(0, few));
  await using _first = first.fleet;
  const resting = { empty, few: await restingBytes(pid) };
  const rest = await bringUp(cluster, gateway, await cluster.makeDevices(few, many), few);
  await using _rest = rest.fleet;
  return [
    ...bringUpFigures(few, first, kwok),
    ...memoryFigures({ ...resting, many: await restingBytes(pid) }, { few, many }),
  ];
}
