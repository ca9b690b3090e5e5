import { type Row, text, u16, u32 } from "./row.ts";

export const logReadArguments: readonly Row[] = [
  ["log-read", "logRead", "valid", [300], { from: 300 }],
  ["log-read from 0", "logRead", "minimum", [0], { from: 0 }],
  ["log-read from 65,535", "logRead", "maximum", [u16], { from: u16 }],
  ["log-read with an argument more", "logRead", "skipping", [3, 10], { from: 3 }],
  ["log-read from nowhere", "logRead", "invalid", [], "MESSAGE_MISSING"],
  ["log-read from 65,536", "logRead", "invalid", [u16 + 1], "MESSAGE_FIELD"],
  ["log-read from 2^32", "logRead", "invalid", [u32 + 1], "MESSAGE_FIELD"],
  ["log-read from 2^64 - 1", "logRead", "invalid", [2n ** 64n - 1n], "MESSAGE_FIELD"],
  ["log-read from -1", "logRead", "invalid", [-1], "MESSAGE_FIELD"],
  ["log-read from null", "logRead", "invalid", [null], "MESSAGE_FIELD"],
];

export const logReadResults: readonly Row[] = [
  [
    "log-read: a text",
    "logRead",
    "valid",
    [8, 120, 2, 1, "hello"],
    { seq: 8, ageMs: 120, body: { type: "text", level: 1, text: "hello" } },
  ],
  [
    "log-read: a type that nobody knows",
    "logRead",
    "valid",
    [8, null, 99, "x"],
    { seq: 8, ageMs: null, body: { type: "unknown", number: 99, body: ["x"] } },
  ],
  [
    "log-read: an empty text of debug",
    "logRead",
    "minimum",
    [0, 0, 2, 0, ""],
    { seq: 0, ageMs: 0, body: { type: "text", level: 0, text: "" } },
  ],
  [
    "log-read: as much text as fits M = 1,024",
    "logRead",
    "maximum",
    [u16, u32, 2, 3, text(1005)],
    { seq: u16, ageMs: u32, body: { type: "text", level: 3, text: text(1005) } },
  ],
  [
    "log-read: a text with an element more",
    "logRead",
    "skipping",
    [8, 120, 2, 1, "hello", 5],
    { seq: 8, ageMs: 120, body: { type: "text", level: 1, text: "hello" } },
  ],
  ["log-read: nothing", "logRead", "invalid", [], "MESSAGE_MISSING"],
  ["log-read: a text without text", "logRead", "invalid", [8, 120, 2, 1], "MESSAGE_MISSING"],
  ["log-read: seq 65,536", "logRead", "invalid", [u16 + 1, 0, 2, 1, "x"], "MESSAGE_FIELD"],
  ["log-read: age 2^32", "logRead", "invalid", [8, u32 + 1, 2, 1, "x"], "MESSAGE_FIELD"],
  ["log-read: type 256", "logRead", "invalid", [8, 0, 256], "MESSAGE_FIELD"],
  ["log-read: level 4", "logRead", "invalid", [8, 0, 2, 4, "x"], "MESSAGE_FIELD"],
];
