import path from "node:path";
import { makeTemporaryFolder } from "../rig/watchdog.ts";
import { BenchCluster, type Security } from "./bench-cluster.ts";
import { type BringUp, bringUp, bringUpFigures } from "./bring-up.ts";
import { type Figure, plainFigure } from "./figure.ts";
import { fleetWorkFigures } from "./fleet-work.ts";
import { kwokBringUp } from "./kwok.ts";
import { memoryFigures, restingBytes } from "./memory.ts";
import type { Phase, Say } from "./phase.ts";
import { restWriteFigures } from "./rest-writes.ts";
import { startUpFigures } from "./start-up.ts";

const few = 1_000;

/**
 * Everything that needs an API server, each on one of its own, so that none suffers from what another left behind.
 * @param many devices at the end, for the slope of memory
 */
export function nodePlanePhases(many: number): Readonly<Record<string, Phase>> {
  // What a slow machine takes, several times over; a fleet's own deadlines come first and say more.
  const fleetDeadlineS = 900 + many / 4;
  return {
    "start-up": { deadlineS: 180, figures: (say) => onCluster(say, (cluster) => [startUpFigures(cluster)]) },
    "small-fleet": {
      deadlineS: 420,
      figures: (say) => onCluster(say, (cluster, auditLog) => [smallFleet(cluster, auditLog, 200, say)]),
    },
    "large-fleet": {
      deadlineS: fleetDeadlineS,
      figures: (say) => onCluster(say, (cluster) => largeFleet(cluster, many, say)),
    },
    "tls-fleet": {
      deadlineS: fleetDeadlineS,
      figures: (say) => onCluster(say, (cluster) => tlsFleet(cluster, many, say)),
    },
  };
}

type Groups = AsyncIterable<readonly Figure[]> | Iterable<Promise<readonly Figure[]>>;

async function* onCluster(
  say: Say,
  measure: (cluster: BenchCluster, auditLog: string) => Groups,
): AsyncGenerator<readonly Figure[]> {
  await using folder = makeTemporaryFolder("motelet-bench-");
  const auditLog = path.join(folder.path, "audit.log");
  say("a control plane");
  await using cluster = await BenchCluster.start(auditLog);
  yield* measure(cluster, auditLog);
}

async function smallFleet(
  cluster: BenchCluster,
  auditLog: string,
  devices: number,
  say: Say,
): Promise<Figure[]> {
  say(`${devices} Nodes of kwok`);
  const kwok = await kwokBringUp(cluster, devices);
  await using gateway = await cluster.startGateway();
  const members = await cluster.makeDevices(0, devices);
  say(`${devices} devices, and at rest`);
  const rates = await bringUp(cluster, gateway, members, 0, { say });
  await using _fleet = rates.fleet;
  return [...bringUpFigures(devices, rates, kwok), ...(await restWriteFigures(auditLog, devices))];
}

async function* largeFleet(cluster: BenchCluster, many: number, say: Say): AsyncGenerator<readonly Figure[]> {
  say(`${few} Nodes of kwok`);
  const kwok = await kwokBringUp(cluster, few);
  yield* fleetMemory(cluster, "plain", many, say, (first) => bringUpFigures(few, first, kwok));
}

async function* tlsFleet(cluster: BenchCluster, many: number, say: Say): AsyncGenerator<readonly Figure[]> {
  yield* fleetMemory(cluster, "tls", many, say, ({ readyPerSecond }) => {
    const name = `hello to Ready, ${few} devices over TLS, handshakes included, all at once`;
    return [plainFigure({ name, value: readyPerSecond, unit: "Nodes/s" })];
  });
}

const startsPerSecond = 50;
const memoryGoals = {
  plain: { limitKiB: 80, kind: "plain" },
  tls: { limitKiB: 160, kind: "TLS" },
} as const;

/** What a gateway does and keeps for each device of a fleet that grows. @param firstFigures of those that come all at once */
async function* fleetMemory(
  cluster: BenchCluster,
  security: Security,
  many: number,
  say: Say,
  firstFigures: (first: BringUp) => Figure[],
): AsyncGenerator<readonly Figure[]> {
  await using gateway = await cluster.startGateway([], security);
  const { pid } = gateway.process;
  const empty = await restingBytes(pid);
  const members = await cluster.makeDevices(0, few);
  say(`${few} devices, all at once`);
  const first = await bringUp(cluster, gateway, members, 0, { security, say });
  await using _first = first.fleet;
  yield firstFigures(first);
  const resting = { empty, few: await restingBytes(pid) };
  say(`${many - few} further Devices`);
  const others = await cluster.makeDevices(few, many);
  // One after the other: thousands at once meet their own time-outs, and how fast they come is not measured here.
  say(`${many - few} further devices`);
  const rest = await bringUp(cluster, gateway, others, few, { security, startsPerSecond, say });
  await using _rest = rest.fleet;
  const bytes = { ...resting, many: await restingBytes(pid) };
  yield memoryFigures(bytes, { few, many }, memoryGoals[security]);
  yield await fleetWorkFigures(gateway, many, memoryGoals[security].kind);
}
