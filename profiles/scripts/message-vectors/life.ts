import { type MessageRow, u16, u32 } from "./row.ts";

/** bye and beat. */
export const signsOfLife: readonly MessageRow[] = [
  ["bye closing", "minimum", "§5.3", { kind: "bye", reason: 0 }],
  ["bye NO_SESSION", "valid", "§5.3", { kind: "bye", reason: 1 }],
  ["bye refused for the longest time", "maximum", "§5.3", { kind: "bye", reason: 2, seconds: u32 }],
  ["bye sleeping for an hour", "valid", "§5.3", { kind: "bye", reason: 3, seconds: 3600 }],
  ["bye superseded", "valid", "§5.3", { kind: "bye", reason: 4 }],
  ["bye busy", "valid", "§5.3", { kind: "bye", reason: 5, seconds: 5 }],
  ["a beat that knows nothing", "minimum", "§3.4", { kind: "beat" }],
  ["a beat that knows uptime only", "valid", "§3.4", { kind: "beat", uptimeS: 12 }],
  ["a beat with a gap", "valid", "§3.4", { kind: "beat", uptimeS: 12, rssiDbm: -61 }],
  [
    "a beat after eight days with everything",
    "maximum",
    "§3.4",
    {
      kind: "beat",
      uptimeS: 691_200,
      heapFree64: u16,
      rssiDbm: -128,
      batteryPercent: 100,
      temperatureC: -128,
      cpuPercent: 100,
    },
  ],
  ["a beat with an extension", "valid", "§3.4", { kind: "beat", uptimeS: 12, ext: new Map([[1, 5]]) }],
];
