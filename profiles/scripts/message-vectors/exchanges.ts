import type { CborValue } from "../../src/index.ts";
import { type MessageRow, u16 } from "./row.ts";

/** request and response. */
export const exchanges: readonly MessageRow[] = [
  ["ping", "valid", "§6", { kind: "request", id: 300, op: 1, args: [] }],
  ["ping with the smallest id", "minimum", "§6", { kind: "request", id: 0, op: 1, args: [] }],
  ["reboot with the largest id", "maximum", "§6", { kind: "request", id: u16, op: 2, args: [] }],
  ["info", "valid", "§6.2", { kind: "request", id: 1, op: 3, args: [] }],
  ["time", "valid", "§6.7", { kind: "request", id: 2, op: 4, args: [] }],
  ["exec echo hi", "valid", "§6.3", { kind: "request", id: 3, op: 5, args: [1, 0, 0, ["echo", "hi"]] }],
  [
    "exec with stderr, stdin and tty",
    "valid",
    "§6.3",
    { kind: "request", id: 3, op: 5, args: [22, 23, 3, ["cat"]] },
  ],
  ["exec of one empty argument", "minimum", "§6.3", { kind: "request", id: 0, op: 5, args: [1, 0, 0, [""]] }],
  [
    "exec with the longest argv of M = 128",
    "maximum",
    "§6.3",
    { kind: "request", id: u16, op: 5, args: [23, 22, 3, ["a".repeat(94)]] },
  ],
  ["exec-control: SIGINT", "valid", "§6.4", { kind: "request", id: 4, op: 6, args: [1, 1, 2] }],
  ["exec-control: resize", "maximum", "§6.4", { kind: "request", id: u16, op: 6, args: [23, 2, u16, u16] }],
  ["console", "valid", "§6.5", { kind: "request", id: 5, op: 7, args: [9] }],
  ["log-read", "valid", "§6.6", { kind: "request", id: 6, op: 8, args: [u16] }],
  ["an op that nobody knows", "valid", "§5.5", { kind: "request", id: 6, op: 200, args: [1, [2], "three"] }],
  ["an empty response", "minimum", "§5.5", { kind: "response", id: 0, status: 0, result: [] }],
  ["the largest empty response", "maximum", "§5.5", { kind: "response", id: u16, status: 16, result: [] }],
  [
    "info's result",
    "valid",
    "§6.2",
    {
      kind: "response",
      id: 1,
      status: 0,
      result: [
        new Map<number, CborValue>([
          [1, "armv7m"],
          [2, "none"],
          [3, 4096],
          [4, 4096],
          [5, [["site", "lab"]]],
        ]),
      ],
    },
  ],
  ["time's result", "valid", "§6.7", { kind: "response", id: 2, status: 0, result: [1_700_000_000, 999] }],
  [
    "log-read's result",
    "valid",
    "§6.6",
    { kind: "response", id: 6, status: 0, result: [8, 120, 2, 1, "hello"] },
  ],
  ["a refusal", "valid", "§5.5", { kind: "response", id: 7, status: 12, result: [] }],
];
