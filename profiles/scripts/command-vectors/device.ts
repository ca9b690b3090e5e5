import type { CborValue } from "../../src/index.ts";
import { map, type Row, text, u8, u32 } from "./row.ts";

const pairs = (count: number, length: number) =>
  Array.from({ length: count }, () => [text(length), text(length)] as const);

/** Commands without arguments have nothing that could be wrong: what is there is skipped (SPEC §3.1). */
const withoutArguments: readonly Row[] = (["ping", "reboot", "info", "time"] as const).flatMap(
  (name): Row[] => [
    [`${name} has no arguments`, name, "minimum", [], {}],
    [`${name} skips the arguments of a later version`, name, "skipping", [1, "x", null], {}],
  ],
);

export const deviceArguments: readonly Row[] = [
  ...withoutArguments,
  ["stats", "stats", "valid", [4], { from: 4 }],
  ["stats from the first task", "stats", "minimum", [0], { from: 0 }],
  ["stats from task 255", "stats", "maximum", [u8], { from: u8 }],
  ["stats with an argument more", "stats", "skipping", [4, 1], { from: 4 }],
  ["stats from nowhere", "stats", "invalid", [], "MESSAGE_MISSING"],
  ["stats from task 256", "stats", "invalid", [u8 + 1], "MESSAGE_FIELD"],
  ["stats from task -1", "stats", "invalid", [-1], "MESSAGE_FIELD"],
  ["stats from null", "stats", "invalid", [null], "MESSAGE_FIELD"],
];

const worstTask: readonly CborValue[] = [text(16), 3, [u32, 999], u32];
const everything: readonly (readonly [number, CborValue])[] = [
  [1, [u32, 999]],
  [2, u32],
  [3, u32],
  [4, u32],
  [5, u32],
  [6, u32],
];
const largest = (tasks: number) => [u8, new Map(everything), Array.from({ length: tasks }, () => worstTask)];
const largestMeaning = (tasks: number) => ({
  total: u8,
  device: {
    cpu: { s: u32, ms: 999 },
    heapTotal: u32,
    heapFree: u32,
    heapLeast: u32,
    filesTotal: u32,
    filesFree: u32,
  },
  tasks: Array.from({ length: tasks }, () => ({
    name: text(16),
    state: 3,
    cpu: { s: u32, ms: 999 },
    stackFree: u32,
  })),
});
const oneTask = (...task: CborValue[]) => [1, new Map<number, CborValue>(), [task]];

const statsResults: readonly Row[] = [
  [
    "stats of a device with two tasks",
    "stats",
    "valid",
    [
      2,
      new Map<number, CborValue>([
        [1, [12, 500]],
        [2, 65_536],
        [3, 40_000],
        [4, 39_000],
      ]),
      [
        ["main", 0, [12, 250], 812],
        ["idle", 1, null, null],
      ],
    ],
    {
      total: 2,
      device: { cpu: { s: 12, ms: 500 }, heapTotal: 65_536, heapFree: 40_000, heapLeast: 39_000 },
      tasks: [
        { name: "main", state: 0, cpu: { s: 12, ms: 250 }, stackFree: 812 },
        { name: "idle", state: 1, cpu: null, stackFree: null },
      ],
    },
  ],
  [
    "stats that tell nothing",
    "stats",
    "minimum",
    [0, new Map<number, CborValue>(), []],
    { total: 0, device: {}, tasks: [] },
  ],
  ["stats with the largest task in M = 128", "stats", "maximum", largest(1), largestMeaning(1)],
  ["stats with as many tasks as fit M = 1,024", "stats", "maximum", largest(29), largestMeaning(29)],
  [
    "stats with an unknown key, and an element more in a task and in the result",
    "stats",
    "skipping",
    [1, new Map<number, CborValue>([[99, 1]]), [["main", 2, [1, 2, 3], 4, 5]], 6],
    { total: 1, device: {}, tasks: [{ name: "main", state: 2, cpu: { s: 1, ms: 2 }, stackFree: 4 }] },
  ],
  ["stats without tasks", "stats", "invalid", [0, new Map<number, CborValue>()], "MESSAGE_MISSING"],
  ["stats without a map", "stats", "invalid", [0, [], []], "MESSAGE_FIELD"],
  ["stats of 256 tasks", "stats", "invalid", [u8 + 1, new Map<number, CborValue>(), []], "MESSAGE_FIELD"],
  ["a task with a name of 17 bytes", "stats", "invalid", oneTask(text(17), 0, null, null), "MESSAGE_FIELD"],
  ["a task in a fifth state", "stats", "invalid", oneTask("t", 4, null, null), "MESSAGE_FIELD"],
  ["a task of 1,000 ms", "stats", "invalid", oneTask("t", 0, [0, 1000], null), "MESSAGE_FIELD"],
  ["a task with 2^32 bytes of stack", "stats", "invalid", oneTask("t", 0, null, u32 + 1), "MESSAGE_FIELD"],
  ["a task without its stack", "stats", "invalid", oneTask("t", 0, null), "MESSAGE_MISSING"],
];

export const deviceResults: readonly Row[] = [
  [
    "info",
    "info",
    "valid",
    map([
      [1, "armv7m"],
      [2, "none"],
      [3, 4096],
      [4, 4096],
      [5, [["site", "lab"]]],
    ]),
    { arch: "armv7m", os: "none", ramKiB: 4096, flashKiB: 4096, labels: [["site", "lab"]] },
  ],
  ["info that tells nothing", "info", "minimum", map([]), {}],
  [
    "info with as many labels as fit M = 1,024",
    "info",
    "maximum",
    map([
      [1, text(12)],
      [2, text(16)],
      [3, u32],
      [4, u32],
      [5, pairs(13, 32)],
      [6, u8],
      [7, 1],
    ]),
    {
      arch: text(12),
      os: text(16),
      ramKiB: u32,
      flashKiB: u32,
      labels: pairs(13, 32),
      firmwareSlot: u8,
      firmwareState: 1,
    },
  ],
  [
    "info of firmware on probation in slot 1",
    "info",
    "valid",
    map([
      [6, 1],
      [7, 1],
    ]),
    { firmwareSlot: 1, firmwareState: 1 },
  ],
  ["info with slot 256", "info", "invalid", map([[6, u8 + 1]]), "MESSAGE_FIELD"],
  ["info with a third state of the firmware", "info", "invalid", map([[7, 2]]), "MESSAGE_FIELD"],
  [
    "info with an unknown key and an element more in a label",
    "info",
    "skipping",
    map([
      [5, [["site", "lab", 1]]],
      [99, true],
    ]),
    { labels: [["site", "lab"]] },
  ],
  ["info without its map", "info", "invalid", [], "MESSAGE_MISSING"],
  ["info whose map is an array", "info", "invalid", [[]], "MESSAGE_FIELD"],
  ["info with an arch of 13 bytes", "info", "invalid", map([[1, text(13)]]), "MESSAGE_FIELD"],
  ["info with an os of 17 bytes", "info", "invalid", map([[2, text(17)]]), "MESSAGE_FIELD"],
  ["info with 2^32 KiB of RAM", "info", "invalid", map([[3, u32 + 1]]), "MESSAGE_FIELD"],
  ["info with a label key of 33 bytes", "info", "invalid", map([[5, [[text(33), ""]]]]), "MESSAGE_FIELD"],
  ["info with a label of one", "info", "invalid", map([[5, [["site"]]]]), "MESSAGE_FIELD"],

  ["time", "time", "valid", [1_700_000_000, 250], { s: 1_700_000_000, ms: 250 }],
  ["time 0", "time", "minimum", [0, 0], { s: 0, ms: 0 }],
  ["the last time", "time", "maximum", [u32, 999], { s: u32, ms: 999 }],
  ["time with a result more", "time", "skipping", [5, 6, 7], { s: 5, ms: 6 }],
  ["time without milliseconds", "time", "invalid", [5], "MESSAGE_MISSING"],
  ["time with 1,000 ms", "time", "invalid", [5, 1000], "MESSAGE_FIELD"],
  ["time 2^32", "time", "invalid", [u32 + 1, 0], "MESSAGE_FIELD"],

  ...statsResults,
];
