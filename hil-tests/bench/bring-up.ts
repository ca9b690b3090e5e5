import type { FleetMember } from "../rig/boards/reference-board.ts";
import type { GatewayProcess } from "../rig/gateway-process.ts";
import type { RunningProcess } from "../rig/process.ts";
import type { BenchCluster } from "./bench-cluster.ts";
import { atLeastTimes, type Figure } from "./figure.ts";
import { Settling } from "./readiness.ts";

/** Milliseconds that one device may take until the measurement is given up. */
const slowestMs = 250;

/** Rates at which devices that were switched on together became Nodes. */
export interface BringUp {
  readonly readyPerSecond: number;
  readonly settledPerSecond: number;
  readonly fleet: RunningProcess;
}

/** Is told how far a bring-up has come, with the milliseconds since its beginning. */
export interface BringUpWatcher {
  readonly began?: (fleet: RunningProcess) => void;
  readonly ready?: (sinceMs: number) => void;
  /** All objects of a collection are as they should be. */
  readonly part?: (path: string, sinceMs: number) => void;
  readonly settled?: (sinceMs: number) => void;
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
  watcher: BringUpWatcher = {},
): Promise<BringUp> {
  const fleet = await cluster.prepareFleet(gateway.ports.mqtt, members);
  const deadlineMs = 60_000 + slowestMs * members.length;
  const wanted = before + members.length;
  await using settling = await Settling.start(cluster.kube);
  watcher.began?.(fleet);
  const startedMs = performance.now();
  fleet.stdin.write("go\n");
  const settled = settling.until(wanted, deadlineMs, (path, moment) =>
    watcher.part?.(path, moment - startedMs),
  );
  const readyMs = await settling.untilReady(wanted, deadlineMs);
  watcher.ready?.(readyMs - startedMs);
  const settledMs = await settled;
  watcher.settled?.(settledMs - startedMs);
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
