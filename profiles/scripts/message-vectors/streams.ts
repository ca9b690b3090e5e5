import { filled, type MessageRow, u16 } from "./row.ts";

/** data and credit. */
export const streams: readonly MessageRow[] = [
  ["data", "valid", "§5.7", { kind: "data", stream: 1, offset: 100, bytes: Uint8Array.of(104, 105, 10) }],
  [
    "an empty data: a probe",
    "minimum",
    "§5.7",
    { kind: "data", stream: 1, offset: 0, bytes: new Uint8Array() },
  ],
  [
    "data that ends with a status",
    "valid",
    "§5.7",
    { kind: "data", stream: 1, offset: 0, bytes: new Uint8Array(), end: { status: 0 } },
  ],
  [
    "data of 1,011 bytes that ends with an exit code: a message of 1,024",
    "maximum",
    "§5.7",
    { kind: "data", stream: 23, offset: u16, bytes: filled(1011), end: { status: 16, exitCode: 255 } },
  ],
  ["credit", "valid", "§5.7", { kind: "credit", stream: 1, next: 103, window: 128 }],
  ["credit of nothing", "minimum", "§5.7", { kind: "credit", stream: 1, next: 0, window: 0 }],
  [
    "credit that resets",
    "maximum",
    "§5.7",
    { kind: "credit", stream: 23, next: u16, window: 16_384, status: 16 },
  ],
];
