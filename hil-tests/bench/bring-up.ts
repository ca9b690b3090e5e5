import type { FleetMember } from "../rig/boards/reference-board.ts";
import type { GatewayProcess } from "../rig/gateway-process.ts";
import type { RunningProcess } from "../rig/process.ts";
import type { BenchCluster } from "./bench-cluster.ts";
import { atLeastTimes, type Figure } from "./figure.ts";
import { ObjectWatch } from "./object-watch.ts";
import { isReady, Settling } from "./readiness.ts";

/** Milliseconds that one device may take until the measurement is given up. */
const slowestMs = 250;

/** Rates at which devices that were switched on together became Nodes. */
export interface BringUp {
  readonly readyPerSecond: number;
  readonly settledPerSecond: number;
  readonly fleet: RunningProcess;
}

/**
 * Switches on all devices at once: from then (connection, CONNECT and SUBSCRIBE included) until all Nodes are Ready, and
 * until every object is as it should be.
 * @param before devices that were there already
 */
export async function bringUp(
  cluster: BenchCluster,
  gateway: GatewayProcess,
  members: readonly FleetMember[],
  before = 0,
): Promise<BringUp> {
  const fleet = await cluster.prepareFleet(gateway.ports.mqtt, members);
  const deadlineMs = 60_000 + slowestMs * members.length;
  const wanted = before + members.length;
  await using nodes = await ObjectWatch.start(cluster.kube, "/api/v1/nodes", isReady);
  await using settling = await Settling.start(cluster.kube);
  const startedMs = performance.now();
  fleet.stdin.write("go\n");
  const [readyMs, settledMs] = await Promise.all([
    nodes.until((count) => count >= wanted, deadlineMs),
    settling.until(wanted, deadlineMs),
  ]);
  const rate = (endedMs: number) => (members.length * 1000) / (endedMs - startedMs);
  return { readyPerSecond: rate(readyMs), settledPerSecond: rate(settledMs), fleet };
}

/** The two rates beside kwok's. */
export function bringUpFigures(devices: number, rates: BringUp, kwokPerSecond: number): Figure[] {
  const rival = { name: "kwok", value: kwokPerSecond };
  const unit = "Nodes/s";
  return [
    atLeastTimes(1, rival, { name: `hello to Ready, ${devices} devices`, value: rates.readyPerSecond, unit }),
    atLeastTimes(0.4, rival, {
      name: `hello to settled, ${devices} devices`,
      value: rates.settledPerSecond,
      unit,
    }),
  ];
}
