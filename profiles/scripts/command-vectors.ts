import { CborFloat, type CborValue, type CommandName, commands, encodeCbor, limits } from "../src/index.ts";
import { toHex, toNotation } from "./notation.ts";

type Case = "valid" | "minimum" | "maximum" | "skipping" | "invalid";
type Code = "MESSAGE_FIELD" | "MESSAGE_MISSING";
/** Name, command, case, the elements on the wire, and what they mean or why they are refused. */
type Row = readonly [string, CommandName, Case, readonly CborValue[], object | Code];

const u16 = 0xffff;
const u32 = 0xffff_ffff;
const text = (length: number) => "t".repeat(length);
const info = (entries: readonly (readonly [number, CborValue])[]) => [new Map(entries)];
const pairs = (count: number, length: number) =>
  Array.from({ length: count }, () => [text(length), text(length)] as const);
/** argv of M = 1,024: texts with their heads in M − 32 bytes. */
const longestArgv = [text(limits.messageBytes - limits.argvReserveBytes - 3)];

/** Commands without arguments have nothing that could be wrong: what is there is skipped (SPEC §3.1). */
const withoutArguments: readonly Row[] = (["ping", "reboot", "info", "time"] as const).flatMap(
  (name): Row[] => [
    [`${name} has no arguments`, name, "minimum", [], {}],
    [`${name} skips the arguments of a later version`, name, "skipping", [1, "x", null], {}],
  ],
);

const argumentRows: readonly Row[] = [
  ...withoutArguments,
  [
    "exec with stderr, stdin and tty",
    "exec",
    "valid",
    [1, 2, 3, ["echo", "hi"]],
    { stream: 1, stderrStream: 2, flags: 3, argv: ["echo", "hi"] },
  ],
  [
    "exec of one empty text",
    "exec",
    "minimum",
    [1, 0, 0, [""]],
    { stream: 1, stderrStream: 0, flags: 0, argv: [""] },
  ],
  [
    "exec with the longest argv of M = 1,024",
    "exec",
    "maximum",
    [23, 22, 255, longestArgv],
    { stream: 23, stderrStream: 22, flags: 255, argv: longestArgv },
  ],
  [
    "exec with an argument more",
    "exec",
    "skipping",
    [1, 0, 0, ["cat"], [["HOME", "/"]]],
    { stream: 1, stderrStream: 0, flags: 0, argv: ["cat"] },
  ],
  ["exec without arguments", "exec", "invalid", [], "MESSAGE_MISSING"],
  ["exec without argv", "exec", "invalid", [1, 0, 0], "MESSAGE_MISSING"],
  ["exec on stream 0", "exec", "invalid", [0, 0, 0, ["x"]], "MESSAGE_FIELD"],
  ["exec on stream 24", "exec", "invalid", [24, 0, 0, ["x"]], "MESSAGE_FIELD"],
  ["exec with stderr on stream 24", "exec", "invalid", [1, 24, 0, ["x"]], "MESSAGE_FIELD"],
  ["exec with stderr on the stream of stdout", "exec", "invalid", [5, 5, 0, ["x"]], "MESSAGE_FIELD"],
  ["exec on a negative stream", "exec", "invalid", [-1, 0, 0, ["x"]], "MESSAGE_FIELD"],
  ["exec with flags 256", "exec", "invalid", [1, 0, 256, ["x"]], "MESSAGE_FIELD"],
  ["exec with a float for flags", "exec", "invalid", [1, 0, CborFloat.of32(1), ["x"]], "MESSAGE_FIELD"],
  ["exec with an empty argv", "exec", "invalid", [1, 0, 0, []], "MESSAGE_FIELD"],
  ["exec with a text for argv", "exec", "invalid", [1, 0, 0, "x"], "MESSAGE_FIELD"],
  ["exec with a number in argv", "exec", "invalid", [1, 0, 0, ["x", 7]], "MESSAGE_FIELD"],
  ["exec with bytes in argv", "exec", "invalid", [1, 0, 0, [Uint8Array.of(1)]], "MESSAGE_FIELD"],

  ["SIGTERM", "execControl", "valid", [3, 1, 15], { stream: 3, control: 1, value: 15 }],
  ["signal 1", "execControl", "minimum", [1, 1, 1], { stream: 1, control: 1, value: 1 }],
  ["signal 64", "execControl", "valid", [1, 1, 64], { stream: 1, control: 1, value: 64 }],
  [
    "a resize to nothing",
    "execControl",
    "minimum",
    [1, 2, 0, 0],
    { stream: 1, control: 2, value: 0, value2: 0 },
  ],
  [
    "the largest resize",
    "execControl",
    "maximum",
    [23, 2, u16, u16],
    { stream: 23, control: 2, value: u16, value2: u16 },
  ],
  [
    "exec-control with an argument more",
    "execControl",
    "skipping",
    [1, 2, 80, 24, "px"],
    { stream: 1, control: 2, value: 80, value2: 24 },
  ],
  ["exec-control without arguments", "execControl", "invalid", [], "MESSAGE_MISSING"],
  ["exec-control without value", "execControl", "invalid", [1, 1], "MESSAGE_MISSING"],
  ["exec-control on stream 0", "execControl", "invalid", [0, 1, 1], "MESSAGE_FIELD"],
  ["exec-control on stream 24", "execControl", "invalid", [24, 1, 1], "MESSAGE_FIELD"],
  ["control 0", "execControl", "invalid", [1, 0, 1], "MESSAGE_FIELD"],
  ["control 256", "execControl", "invalid", [1, 256, 1], "MESSAGE_FIELD"],
  ["signal 0", "execControl", "invalid", [1, 1, 0], "MESSAGE_FIELD"],
  ["signal 65", "execControl", "invalid", [1, 1, 65], "MESSAGE_FIELD"],
  ["a resize to 65,536 columns", "execControl", "invalid", [1, 2, u16 + 1, 1], "MESSAGE_FIELD"],
  ["a resize to 65,536 rows", "execControl", "invalid", [1, 2, 1, u16 + 1], "MESSAGE_FIELD"],
  ["a resize with null for rows", "execControl", "invalid", [1, 2, 1, null], "MESSAGE_FIELD"],

  ["console", "console", "valid", [9], { stream: 9 }],
  ["console on stream 1", "console", "minimum", [1], { stream: 1 }],
  ["console on stream 23", "console", "maximum", [23], { stream: 23 }],
  ["console with an argument more", "console", "skipping", [9, 1], { stream: 9 }],
  ["console without a stream", "console", "invalid", [], "MESSAGE_MISSING"],
  ["console on stream 0", "console", "invalid", [0], "MESSAGE_FIELD"],
  ["console on stream 24", "console", "invalid", [24], "MESSAGE_FIELD"],
  ["console on a text", "console", "invalid", ["1"], "MESSAGE_FIELD"],

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

const resultRows: readonly Row[] = [
  [
    "info",
    "info",
    "valid",
    info([
      [1, "armv7m"],
      [2, "none"],
      [3, 4096],
      [4, 4096],
      [5, [["site", "lab"]]],
    ]),
    { arch: "armv7m", os: "none", ramKiB: 4096, flashKiB: 4096, labels: [["site", "lab"]] },
  ],
  ["info that tells nothing", "info", "minimum", info([]), {}],
  [
    "info with as many labels as fit M = 1,024",
    "info",
    "maximum",
    info([
      [1, text(12)],
      [2, text(16)],
      [3, u32],
      [4, u32],
      [5, pairs(14, 32)],
    ]),
    { arch: text(12), os: text(16), ramKiB: u32, flashKiB: u32, labels: pairs(14, 32) },
  ],
  [
    "info with an unknown key and an element more in a label",
    "info",
    "skipping",
    info([
      [5, [["site", "lab", 1]]],
      [99, true],
    ]),
    { labels: [["site", "lab"]] },
  ],
  ["info without its map", "info", "invalid", [], "MESSAGE_MISSING"],
  ["info whose map is an array", "info", "invalid", [[]], "MESSAGE_FIELD"],
  ["info with an arch of 13 bytes", "info", "invalid", info([[1, text(13)]]), "MESSAGE_FIELD"],
  ["info with an os of 17 bytes", "info", "invalid", info([[2, text(17)]]), "MESSAGE_FIELD"],
  ["info with 2^32 KiB of RAM", "info", "invalid", info([[3, u32 + 1]]), "MESSAGE_FIELD"],
  ["info with a label key of 33 bytes", "info", "invalid", info([[5, [[text(33), ""]]]]), "MESSAGE_FIELD"],
  ["info with a label of one", "info", "invalid", info([[5, [["site"]]]]), "MESSAGE_FIELD"],

  ["time", "time", "valid", [1_700_000_000, 250], { s: 1_700_000_000, ms: 250 }],
  ["time 0", "time", "minimum", [0, 0], { s: 0, ms: 0 }],
  ["the last time", "time", "maximum", [u32, 999], { s: u32, ms: 999 }],
  ["time with a result more", "time", "skipping", [5, 6, 7], { s: 5, ms: 6 }],
  ["time without milliseconds", "time", "invalid", [5], "MESSAGE_MISSING"],
  ["time with 1,000 ms", "time", "invalid", [5, 1000], "MESSAGE_FIELD"],
  ["time 2^32", "time", "invalid", [u32 + 1, 0], "MESSAGE_FIELD"],

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

function vectors(rows: readonly Row[], meaning: "args" | "result"): object[] {
  return rows.map(([name, command, kind, values, means]) => ({
    name,
    op: commands[command].op,
    case: kind,
    hex: toHex(encodeCbor(values)),
    ...(typeof means === "string" ? { error: means } : { [meaning]: toNotation(means) }),
  }));
}

/**
 * The sections of vectors/message.json about arguments and results (SPEC §6): `hex` is the CBOR array of what follows
 * op, or status. `skipping` is taken, but not what an encoder of this version writes. A device answers invalid arguments
 * by INVALID_ARGUMENT (§5.5).
 */
export const commandVectors = () => ({
  arguments: vectors(argumentRows, "args"),
  results: vectors(resultRows, "result"),
});
