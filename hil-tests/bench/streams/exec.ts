import { type Figure, plainFigure } from "../figure.ts";
import { percentile } from "./exec-client.ts";
import { type ExecCluster, peerName, peerPod } from "./exec-cluster.ts";

/** How often is measured what is quick. */
export interface ExecCounts {
  /** Commands, and keystrokes, on each side. */
  readonly rounds: number;
  /** Times that all devices are asked at once. */
  readonly bursts: number;
}

const warmUps = 5;
const wanted = 1.5;
const hello = ["echo", "hello"] as const;

/** Commands one after the other and all at once, on devices and on cri-streaming's server in turns. */
export async function execFigures(bench: ExecCluster, counts: ExecCounts): Promise<Figure[]> {
  return [
    ...(await roundTripFigures(bench, counts.rounds)),
    ...(await keystrokeFigures(bench, counts.rounds)),
    ...(await burstFigures(bench, counts.bursts)),
  ];
}

/** Milliseconds on either side. */
interface Times {
  readonly ours: number[];
  readonly theirs: number[];
}

async function inTurns(
  rounds: number,
  ours: () => Promise<number>,
  theirs: () => Promise<number>,
): Promise<Times> {
  const times: Times = { ours: [], theirs: [] };
  for (let round = -warmUps; round < rounds; round++) {
    const [mine, peers] = [await ours(), await theirs()];
    if (round < 0) continue;
    times.ours.push(mine);
    times.theirs.push(peers);
  }
  return times;
}

async function roundTripFigures({ client, pods }: ExecCluster, rounds: number): Promise<Figure[]> {
  const [device = ""] = pods;
  const once = (pod: string) => () => client.roundTrip(pod, hello, "hello\n");
  const times = await inTurns(rounds, once(device), once(peerPod));
  return [50, 99].map((percent) => besidePeer(`exec round trip p${percent}`, percent / 100, times, wanted));
}

async function keystrokeFigures({ client, pods }: ExecCluster, rounds: number): Promise<Figure[]> {
  const [device = ""] = pods;
  const mine = await client.open(device, ["cat"], { stdin: true });
  const theirs = await client.open(peerPod, ["cat"], { stdin: true });
  try {
    const times = await inTurns(
      rounds,
      () => client.keystroke(mine),
      () => client.keystroke(theirs),
    );
    return [50, 99].map((percent) => besidePeer(`keystroke and echo p${percent}`, percent / 100, times));
  } finally {
    mine.webSocket.terminate();
    theirs.webSocket.terminate();
  }
}

async function burstFigures({ client, pods }: ExecCluster, bursts: number): Promise<Figure[]> {
  const each: Times = { ours: [], theirs: [] };
  const whole: Times = { ours: [], theirs: [] };
  const burst = async (targets: readonly string[], side: keyof Times) => {
    const startedMs = performance.now();
    each[side].push(...(await Promise.all(targets.map((pod) => client.roundTrip(pod, hello, "hello\n")))));
    whole[side].push(performance.now() - startedMs);
  };
  for (let round = 0; round < bursts; round++) {
    await burst(pods, "ours");
    await burst(
      pods.map(() => peerPod),
      "theirs",
    );
  }
  const name = `${pods.length} execs at once on ${pods.length} devices`;
  return [besidePeer(`${name}, all`, 0.5, whole), besidePeer(`${name}, p99`, 0.99, each)];
}

/** @param factor what is wanted at most; undefined: nothing */
function besidePeer(name: string, part: number, times: Times, factor?: number): Figure {
  const value = percentile(times.ours, part);
  const ratio = value / percentile(times.theirs, part);
  const goal = factor === undefined ? null : `≤ ${factor} × ${peerName}`;
  const met = factor === undefined ? null : ratio <= factor;
  return { ...plainFigure({ name, value, unit: "ms" }), against: peerName, ratio, goal, met };
}
