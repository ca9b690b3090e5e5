import path from "node:path";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { BenchCluster, type Security } from "./bench-cluster.ts";
import { type BringUp, bringUp, bringUpFigures } from "./bring-up.ts";
import { type Figure, plainFigure } from "./figure.ts";
import { kwokBringUp } from "./kwok.ts";
import { memoryFigures, restingBytes } from "./memory.ts";
import { restWriteFigures } from "./rest-writes.ts";
import { startUpFigures } from "./start-up.ts";

/**
 * Everything that needs an API server, on one, in the order of size.
 * @param say is told what begins
 * @param many devices at the end, for the slope of memory
 */
export async function* nodePlaneFigures(
  say: (what: string) => void,
  many: number,
): AsyncGenerator<readonly Figure[]> {
  await using folder = makeTemporaryFolder("motelet-bench-");
  const auditLog = path.join(folder.path, "audit.log");
  say("a control plane");
  await using cluster = await BenchCluster.start(auditLog);
  say("start-up");
  yield await startUpFigures(cluster);
  say("200 devices beside kwok, and at rest");
  yield await smallFleet(cluster, auditLog, 200);
  say(`1,000 devices beside kwok, and ${many}`);
  yield* largeFleet(cluster, 1_000, many);
  say(`1,000 devices over TLS, and ${many}`);
  const { first, figures } = await fleetMemory(cluster, "tls", 1_000, many);
  yield [tlsFigure(1_000, first), ...figures];
}

async function smallFleet(cluster: BenchCluster, auditLog: string, devices: number): Promise<Figure[]> {
  const kwok = await kwokBringUp(cluster, devices);
  await using gateway = await cluster.startGateway();
  const rates = await bringUp(cluster, gateway, await cluster.makeDevices(0, devices));
  await using fleet = rates.fleet;
  const figures = [...bringUpFigures(devices, rates, kwok), ...(await restWriteFigures(auditLog, devices))];
  await fleet.stop();
  await cluster.removeDevices();
  return figures;
}

async function* largeFleet(
  cluster: BenchCluster,
  few: number,
  many: number,
): AsyncGenerator<readonly Figure[]> {
  const kwok = await kwokBringUp(cluster, few);
  const { first, figures } = await fleetMemory(cluster, "plain", few, many);
  yield bringUpFigures(few, first, kwok);
  yield figures;
}

function tlsFigure(devices: number, { readyPerSecond }: BringUp): Figure {
  const name = `hello to Ready, ${devices} devices over TLS, handshakes included, all at once`;
  return plainFigure({ name, value: readyPerSecond, unit: "Nodes/s" });
}

const startsPerSecond = 50;
const memoryGoals = {
  plain: { limitKiB: 80, kind: "plain" },
  tls: { limitKiB: 160, kind: "TLS" },
} as const;

/** What a gateway keeps for each device; leaves nothing behind. */
async function fleetMemory(
  cluster: BenchCluster,
  security: Security,
  few: number,
  many: number,
): Promise<{ readonly first: BringUp; readonly figures: Figure[] }> {
  await using gateway = await cluster.startGateway([], security);
  const { pid } = gateway.process;
  const empty = await restingBytes(pid);
  const first = await bringUp(cluster, gateway, await cluster.makeDevices(0, few), 0, { security });
  await using _first = first.fleet;
  const resting = { empty, few: await restingBytes(pid) };
  const others = await cluster.makeDevices(few, many);
  // One after the other: thousands at once meet their own time-outs, and how fast they come is not measured here.
  const rest = await bringUp(cluster, gateway, others, few, { security, startsPerSecond });
  await using _rest = rest.fleet;
  const bytes = { ...resting, many: await restingBytes(pid) };
  await cluster.removeDevices();
  return { first, figures: memoryFigures(bytes, { few, many }, memoryGoals[security]) };
}
