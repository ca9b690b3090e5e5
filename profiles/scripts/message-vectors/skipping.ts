import type { CborValue, Message } from "../../src/index.ts";
import { filled } from "./row.ts";

/** Encoded by hand: what an encoder of this version would not write. */
export const skipping: readonly (readonly [string, readonly CborValue[], Message, number])[] = [
  ["an extra element is skipped", [7, 5, "later"], { kind: "ack", storedSeq: 5 }, 1],
  ["an unknown kind is skipped", [11, 1, 2], { kind: "unknown", number: 11 }, 1],
  ["an unknown kind beyond 2^16 is skipped", [70_000], { kind: "unknown", number: 70_000 }, 1],
  [
    "an unknown key of hello is skipped",
    [
      0,
      0,
      1,
      1,
      0,
      new Map([
        [1, 3],
        [99, 4],
      ]),
    ],
    { kind: "hello", version: 0, boot: 1, attempt: 1, sid: 0, caps: 3 },
    1,
  ],
  [
    "an extra element after hello's map is skipped",
    [0, 0, 1, 1, 0, new Map(), 8],
    { kind: "hello", version: 0, boot: 1, attempt: 1, sid: 0 },
    1,
  ],
  [
    "an extra position of beat is skipped",
    [5, 1, null, null, null, null, null, 9],
    { kind: "beat", uptimeS: 1 },
    1,
  ],
  [
    "an extra element in welcome's time is skipped and counted",
    [1, 1, 1, 0, [5, 250, "UTC"], 10, 500, 4, 0, new Map(), 7],
    {
      kind: "welcome",
      attempt: 1,
      sid: 1,
      streamsKept: false,
      time: { s: 5, ms: 250 },
      heartbeatS: 10,
      rtoMs: 500,
      reportWindow: 4,
      storedSeq: 0,
    },
    2,
  ],
  [
    "extra elements in data's end are skipped and counted",
    [8, 1, 0, filled(1), [0, 3, 15, true]],
    { kind: "data", stream: 1, offset: 0, bytes: filled(1), end: { status: 0, exitCode: 3 } },
    2,
  ],
  [
    "an extra element in hello's ring, together with an unknown key, is skipped and counted",
    [
      0,
      0,
      1,
      1,
      0,
      new Map<number, CborValue>([
        [8, [1, 3, 2, 9]],
        [99, 4],
      ]),
    ],
    { kind: "hello", version: 0, boot: 1, attempt: 1, sid: 0, ring: { epoch: 1, nextSeq: 3, oldestSeq: 2 } },
    2,
  ],
  [
    "an extra element after a text's body is skipped",
    [6, 1, 0, 2, 1, "x", 5],
    { kind: "report", seq: 1, ageMs: 0, body: { type: "text", level: 1, text: "x" } },
    1,
  ],
  ["trailing nulls of beat mean the same as none", [5, 1, null, null], { kind: "beat", uptimeS: 1 }, 0],
  ["an unknown bye reason is kept as it is", [4, 17], { kind: "bye", reason: 17 }, 0],
];
