import type { FleetMember } from "../rig/boards/reference-board.ts";
import type { GatewayProcess } from "../rig/gateway-process.ts";
import type { RunningProcess } from "../rig/process.ts";
import type { BenchCluster, FleetOptions } from "./bench-cluster.ts";
import { CpuAccount, ownProcess, sumOf } from "./cpu-account.ts";
import { atLeastTimes, type Figure, plainFigure } from "./figure.ts";
import { waitingIn } from "./fleet-work.ts";
import type { KwokRates } from "./kwok.ts";
import { Settling } from "./readiness.ts";

/** Milliseconds that one device may take until the measurement is given up. */
const slowestMs = 200;
/** How often is said how far it has come. */
const sayEveryMs = 10_000;

/** Rates at which devices that were switched on together became Nodes. */
export interface BringUp {
  readonly readyPerSecond: number;
  readonly settledPerSecond: number;
  /** Processor time of everybody in it for each device, milliseconds. */
  readonly readyCpuMs: number;
  readonly settledCpuMs: number;
  readonly fleet: RunningProcess;
}

/** Called with the progress of a bring-up, and the milliseconds since its beginning. */
export interface BringUpOptions extends FleetOptions {
  readonly began?: (fleet: RunningProcess) => void;
  readonly ready?: (sinceMs: number) => void;
  /** All objects of a collection are as they should be. */
  readonly part?: (path: string, sinceMs: number) => void;
  readonly settled?: (sinceMs: number) => void;
  /** Called every ten seconds with the present objects and the work of the gateway. */
  readonly say?: (what: string) => void;
}

/**
 * Switches on all devices at once: from then (connection, CONNECT and SUBSCRIBE included) until all Nodes are Ready, and
 * until every object is as it should be.
 * @param before devices that were there already
 * @throws RigError DEADLINE_PASSED saying what is missing, PROCESS_ENDED where the fleet or the gateway dies
 */
export async function bringUp(
  cluster: BenchCluster,
  gateway: GatewayProcess,
  members: readonly FleetMember[],
  before = 0,
  options: BringUpOptions = {},
): Promise<BringUp> {
  const fleet = await cluster.prepareFleet(gateway.ports.mqtt, members, options);
  const deadlineMs = 60_000 + slowestMs * members.length;
  const wanted = before + members.length;
  await using settling = await Settling.start(cluster.kube);
  options.began?.(fleet);
  const everybody = [["gateway", gateway.process.pid], ["fleet", fleet.pid], ownProcess] as const;
  const account = new CpuAccount(new Map([...cluster.servers(), ...everybody]));
  const cpuMs = () => (sumOf(account.take()) * 1000) / members.length;
  const startedMs = performance.now();
  const report = async () => {
    const seconds = ((performance.now() - startedMs) / 1000).toFixed(0);
    options.say?.(`${seconds} s: ${settling.state(wanted)}; ${await waitingIn(gateway)}`);
  };
  using _reports = every(sayEveryMs, () => void report().catch(() => {}));
  fleet.stdin.write("go\n");
  const settled = settling.until(wanted, deadlineMs, (path, moment) =>
    options.part?.(path, moment - startedMs),
  );
  // Both fail where the fleet dies; the first to be waited for says so.
  settled.catch(() => {});
  const readyMs = await settling.untilReady(wanted, deadlineMs);
  const readyCpuMs = cpuMs();
  options.ready?.(readyMs - startedMs);
  const settledMs = await settled;
  const settledCpuMs = readyCpuMs + cpuMs();
  options.settled?.(settledMs - startedMs);
  const rate = (endedMs: number) => (members.length * 1000) / (endedMs - startedMs);
  return {
    readyPerSecond: rate(readyMs),
    settledPerSecond: rate(settledMs),
    readyCpuMs,
    settledCpuMs,
    fleet,
  };
}

function every(ms: number, call: () => void): Disposable {
  const timer = setInterval(call, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/**
 * The two rates compared with kwok's, and the processor time that each takes, which says the same on a busy machine: a ratio of
 * 2 there means half of kwok's.
 */
export function bringUpFigures(devices: number, rates: BringUp, kwok: KwokRates): Figure[] {
  const rival = { name: "kwok", value: kwok.readyPerSecond };
  const cost = (what: string, cpuMs: number): Figure => ({
    ...plainFigure({
      name: `processor time, hello to ${what}, ${devices} devices`,
      value: cpuMs,
      unit: "ms",
    }),
    against: "kwok",
    ratio: kwok.cpuMs / cpuMs,
  });
  const unit = "Nodes/s";
  return [
    atLeastTimes(1, rival, { name: `hello to Ready, ${devices} devices`, value: rates.readyPerSecond, unit }),
    atLeastTimes(0.4, rival, {
      name: `hello to settled, ${devices} devices`,
      value: rates.settledPerSecond,
      unit,
    }),
    cost("Ready", rates.readyCpuMs),
    cost("settled", rates.settledCpuMs),
  ];
}
