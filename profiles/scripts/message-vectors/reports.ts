import { CborFloat } from "../../src/index.ts";
import { filled, type MessageRow, u16, u32 } from "./row.ts";

/** report of each type, and ack. */
export const reports: readonly MessageRow[] = [
  ["a gap of one", "minimum", "§5.6", { kind: "report", seq: 0, ageMs: 0, body: { type: "gap", count: 1 } }],
  [
    "a gap of 32,767",
    "maximum",
    "§5.6",
    { kind: "report", seq: u16, ageMs: null, body: { type: "gap", count: 0x7fff } },
  ],
  ["a gap of three", "valid", "§5.6", { kind: "report", seq: 9, ageMs: 40, body: { type: "gap", count: 3 } }],
  [
    "a tokenised log line",
    "valid",
    "§5.6",
    { kind: "report", seq: u16, ageMs: u16, body: { type: "log", token: u16, args: [] } },
  ],
  [
    "a tokenised log line with arguments",
    "valid",
    "§5.6",
    {
      kind: "report",
      seq: 1,
      ageMs: 5,
      body: { type: "log", token: 900, args: [42, CborFloat.of32(1.5), "x"] },
    },
  ],
  [
    "log token 0 without arguments",
    "minimum",
    "§3.5",
    { kind: "report", seq: 0, ageMs: 0, body: { type: "log", token: 0, args: [] } },
  ],
  [
    "a log line with arguments that fill M = 1,024",
    "maximum",
    "§3.5",
    { kind: "report", seq: u16, ageMs: u32, body: { type: "log", token: u16, args: [filled(1005)] } },
  ],
  [
    "an empty text of debug",
    "minimum",
    "§3.5",
    { kind: "report", seq: 0, ageMs: 0, body: { type: "text", level: 0, text: "" } },
  ],
  [
    "a text of error that fills M = 1,024",
    "maximum",
    "§3.5",
    { kind: "report", seq: u16, ageMs: u32, body: { type: "text", level: 3, text: "e".repeat(1007) } },
  ],
  [
    "property 0 of value 0",
    "minimum",
    "§3.5",
    { kind: "report", seq: 0, ageMs: 0, body: { type: "property", key: 0, value: 0 } },
  ],
  [
    "a property that fills M = 1,024",
    "maximum",
    "§3.5",
    { kind: "report", seq: u16, ageMs: u32, body: { type: "property", key: u16, value: filled(1005) } },
  ],
  [
    "event 0 without arguments",
    "minimum",
    "§3.5",
    { kind: "report", seq: 0, ageMs: 0, body: { type: "event", code: 0, args: [] } },
  ],
  [
    "an event with arguments that fill M = 1,024",
    "maximum",
    "§3.5",
    { kind: "report", seq: u16, ageMs: u32, body: { type: "event", code: u16, args: [filled(1005)] } },
  ],
  [
    "a text of age null",
    "valid",
    "§5.6",
    { kind: "report", seq: 2, ageMs: null, body: { type: "text", level: 2, text: "no sensor" } },
  ],
  [
    "a property",
    "valid",
    "§5.6",
    { kind: "report", seq: 3, ageMs: 1, body: { type: "property", key: 7, value: true } },
  ],
  [
    "an event",
    "valid",
    "§5.6",
    { kind: "report", seq: 4, ageMs: 1, body: { type: "event", code: 3, args: [1] } },
  ],
  [
    "a report of a type that nobody knows",
    "valid",
    "§3.1",
    { kind: "report", seq: 5, ageMs: 1, body: { type: "unknown", number: 99, body: [1, 2] } },
  ],
  ["ack", "valid", "§5.6", { kind: "ack", storedSeq: 9 }],
  ["an ack", "minimum", "§5.6", { kind: "ack", storedSeq: 0 }],
  ["the largest ack", "maximum", "§5.6", { kind: "ack", storedSeq: u16 }],
];
