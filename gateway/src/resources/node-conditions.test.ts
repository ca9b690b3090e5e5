import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts, DeviceProbe, DeviceSample } from "../devices/device.ts";
import { conditionFigures, nodeConditions } from "./node-conditions.ts";

/*
 * Each bound of each condition, at the bound and one past it, from the good side and from the bad one.
 */

interface Figures {
  readonly sample?: Partial<DeviceSample>;
  readonly probe?: DeviceProbe;
}

const figures: readonly {
  readonly type: string;
  readonly of: (figure: number) => Figures;
  /** The last figure that leaves a good one good, and the first that makes it bad. */
  readonly turnsBad: readonly [number, number];
  /** The last figure that leaves a bad one bad, and the first that makes it good. */
  readonly turnsGood: readonly [number, number];
}[] = [
  {
    type: "MemoryPressure",
    of: (heapFreeBytes) => ({ sample: { heapFreeBytes } }),
    turnsBad: [5_000, 4_999],
    turnsGood: [9_999, 10_000],
  },
  {
    type: "DiskPressure",
    of: (filesFreeBytes) => ({ probe: { filesTotalBytes: 100_000, filesFreeBytes } }),
    turnsBad: [5_000, 4_999],
    turnsGood: [9_999, 10_000],
  },
  {
    type: "motelet.dev/LowBattery",
    of: (batteryPercent) => ({ sample: { batteryPercent } }),
    turnsBad: [15, 14],
    turnsGood: [19, 20],
  },
  {
    type: "motelet.dev/WeakLink",
    of: (rssiDbm) => ({ sample: { rssiDbm } }),
    turnsBad: [-85, -86],
    turnsGood: [-81, -80],
  },
  {
    type: "motelet.dev/StackLow",
    of: (minStackFreeBytes) => ({ probe: { minStackFreeBytes } }),
    turnsBad: [128, 127],
    turnsGood: [255, 256],
  },
  ...[1, -1].map((sign) => ({
    type: "motelet.dev/ClockSkew",
    of: (errorMs: number) => ({ probe: { clockSkewMs: sign * errorMs } }),
    turnsBad: [5_000, 5_001] as const,
    turnsGood: [2_001, 2_000] as const,
  })),
];

function facts({ sample, probe }: Figures): DeviceFacts {
  return {
    key: "default/lamp",
    spec: { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false },
    phase: "Online",
    phaseSinceMs: 0,
    hardware: { ramBytes: 100_000 },
    capabilities: [],
    ...(sample ? { sample: { atMs: 0, ...sample } } : {}),
    ...(probe ? { probe } : {}),
  };
}

for (const { type, of, turnsBad, turnsGood } of figures) {
  const becomes = (before: "True" | "False", figure: number) =>
    nodeConditions(facts(of(figure)), [{ type, status: before }]).find((each) => each.type === type)?.status;

  test(`${type} turns bad past ${turnsBad[0]} and good again at ${turnsGood[1]}`, () => {
    assert.deepEqual(
      turnsBad.map((figure) => becomes("False", figure)),
      ["False", "True"],
    );
    assert.deepEqual(
      turnsGood.map((figure) => becomes("True", figure)),
      ["True", "False"],
    );
  });
}

test("a pressure whose figure is not known stays as it was", () => {
  for (const type of ["MemoryPressure", "DiskPressure"])
    for (const status of ["True", "False"])
      assert.equal(
        nodeConditions(facts({}), [{ type, status }]).find((each) => each.type === type)?.status,
        status,
      );
});

test("messages hold no figures: a sample within the bounds changes no word", () => {
  const many = [8_000, 9_000, 50_000].map((heapFreeBytes) =>
    nodeConditions(facts({ sample: { heapFreeBytes, rssiDbm: -60 - heapFreeBytes / 10_000 } }), []),
  );
  for (const each of many) assert.deepEqual(each, many[0]);
});

test("while the text of a device's figures is the same, its conditions are", () => {
  const seeded = (seed: number) => () => (seed = (seed * 48_271) % 0x7fff_ffff) / 0x7fff_ffff;
  const random = seeded(7);
  const within = (low: number, high: number) => low + Math.floor(random() * (high - low + 1));
  const ranges = {
    heapFreeBytes: [4_000, 12_000],
    batteryPercent: [10, 25],
    rssiDbm: [-90, -75],
    filesFreeBytes: [4_000, 12_000],
    minStackFreeBytes: [100, 300],
    clockSkewMs: [-7_000, 7_000],
  } as const;
  type Drawn = { [K in keyof typeof ranges]?: number | undefined };
  /** Some figures new, one in six of them not known. */
  const redrawn = (before: Drawn, share: number): Drawn =>
    Object.fromEntries(
      Object.entries(ranges).map(([name, [low, high]]) => [
        name,
        random() > share ? before[name as keyof Drawn] : random() < 1 / 6 ? undefined : within(low, high),
      ]),
    );
  const factsOf = ({ heapFreeBytes, batteryPercent, rssiDbm, ...probe }: Drawn) =>
    facts({
      sample: { heapFreeBytes, batteryPercent, rssiDbm } as Partial<DeviceSample>,
      probe: { filesTotalBytes: 100_000, ...probe } as DeviceProbe,
    });
  let conditions = nodeConditions(factsOf({}), []);
  let drawn: Drawn = {};
  let same = 0;
  for (let round = 0; round < 5_000; round++) {
    drawn = redrawn(drawn, 1);
    // Conditions that the figures of before left behind.
    conditions = nodeConditions(factsOf(drawn), conditions);
    const later = factsOf(redrawn(drawn, 0.3));
    if (conditionFigures(later) !== conditionFigures(factsOf(drawn))) continue;
    same += 1;
    assert.deepEqual(nodeConditions(later, conditions), conditions);
  }
  assert.ok(same > 500, `${same} pairs were alike`);
});
