import { limits } from "../../src/index.ts";
import { type Row, text, u8, u16 } from "./row.ts";

/** Name and argv of M = 1,024: texts with their heads in M − 32 bytes. */
const longestName = text(limits.peripheralBytes);
const argvBesideName = [
  text(limits.messageBytes - limits.argvReserveBytes - 3 - (limits.peripheralBytes + 2)),
];

/** Arguments of dial, peripheral-list and peripheral-invoke. */
export const streamArguments: readonly Row[] = [
  ["dial", "dial", "valid", [3, 8080], { stream: 3, port: 8080 }],
  ["dial port 1", "dial", "minimum", [1, 1], { stream: 1, port: 1 }],
  ["dial port 65,535", "dial", "maximum", [23, u16], { stream: 23, port: u16 }],
  ["dial with an argument more", "dial", "skipping", [3, 80, "tls"], { stream: 3, port: 80 }],
  ["dial without arguments", "dial", "invalid", [], "MESSAGE_MISSING"],
  ["dial without a port", "dial", "invalid", [3], "MESSAGE_MISSING"],
  ["dial port 0", "dial", "invalid", [3, 0], "MESSAGE_FIELD"],
  ["dial port 65,536", "dial", "invalid", [3, u16 + 1], "MESSAGE_FIELD"],
  ["dial a name", "dial", "invalid", [3, "http"], "MESSAGE_FIELD"],
  ["dial on stream 0", "dial", "invalid", [0, 80], "MESSAGE_FIELD"],
  ["dial on stream 24", "dial", "invalid", [24, 80], "MESSAGE_FIELD"],

  ["peripheral-list", "peripheralList", "valid", [2], { from: 2 }],
  ["peripheral-list from the first", "peripheralList", "minimum", [0], { from: 0 }],
  ["peripheral-list from 255", "peripheralList", "maximum", [u8], { from: u8 }],
  ["peripheral-list with an argument more", "peripheralList", "skipping", [2, 1], { from: 2 }],
  ["peripheral-list from nowhere", "peripheralList", "invalid", [], "MESSAGE_MISSING"],
  ["peripheral-list from 256", "peripheralList", "invalid", [u8 + 1], "MESSAGE_FIELD"],
  ["peripheral-list from a text", "peripheralList", "invalid", ["0"], "MESSAGE_FIELD"],

  [
    "peripheral-invoke: set on",
    "peripheralInvoke",
    "valid",
    [1, 2, 0, "led", ["set", "on"]],
    { stream: 1, stderrStream: 2, flags: 0, peripheral: "led", argv: ["set", "on"] },
  ],
  [
    "peripheral-invoke of nothing by nobody",
    "peripheralInvoke",
    "minimum",
    [1, 0, 0, "", [""]],
    { stream: 1, stderrStream: 0, flags: 0, peripheral: "", argv: [""] },
  ],
  [
    "peripheral-invoke with the longest name and argv of M = 1,024",
    "peripheralInvoke",
    "maximum",
    [23, 22, u8, longestName, argvBesideName],
    { stream: 23, stderrStream: 22, flags: u8, peripheral: longestName, argv: argvBesideName },
  ],
  [
    "peripheral-invoke with an argument more",
    "peripheralInvoke",
    "skipping",
    [1, 0, 0, "led", ["get"], null],
    { stream: 1, stderrStream: 0, flags: 0, peripheral: "led", argv: ["get"] },
  ],
  ["peripheral-invoke without arguments", "peripheralInvoke", "invalid", [], "MESSAGE_MISSING"],
  ["peripheral-invoke without argv", "peripheralInvoke", "invalid", [1, 0, 0, "led"], "MESSAGE_MISSING"],
  [
    "peripheral-invoke with an empty argv",
    "peripheralInvoke",
    "invalid",
    [1, 0, 0, "led", []],
    "MESSAGE_FIELD",
  ],
  ["peripheral-invoke of a number", "peripheralInvoke", "invalid", [1, 0, 0, 7, ["get"]], "MESSAGE_FIELD"],
  [
    "peripheral-invoke of a name of 33 bytes",
    "peripheralInvoke",
    "invalid",
    [1, 0, 0, text(33), ["get"]],
    "MESSAGE_FIELD",
  ],
  [
    "peripheral-invoke with stderr on the stream of stdout",
    "peripheralInvoke",
    "invalid",
    [5, 5, 0, "led", ["get"]],
    "MESSAGE_FIELD",
  ],
  [
    "peripheral-invoke on stream 0",
    "peripheralInvoke",
    "invalid",
    [0, 1, 0, "led", ["get"]],
    "MESSAGE_FIELD",
  ],
  [
    "peripheral-invoke with flags 256",
    "peripheralInvoke",
    "invalid",
    [1, 0, 256, "led", ["x"]],
    "MESSAGE_FIELD",
  ],
];

const worst = [text(32), text(16)] as const;
const worstMeaning = { name: text(32), kind: text(16) };

export const streamResults: readonly Row[] = [
  [
    "peripheral-list of two",
    "peripheralList",
    "valid",
    [
      2,
      [
        ["led", "gpio"],
        ["temp0", "sensor"],
      ],
    ],
    {
      total: 2,
      entries: [
        { name: "led", kind: "gpio" },
        { name: "temp0", kind: "sensor" },
      ],
    },
  ],
  ["peripheral-list of none", "peripheralList", "minimum", [0, []], { total: 0, entries: [] }],
  [
    "peripheral-list with as many as fit M = 1,024",
    "peripheralList",
    "maximum",
    [u8, Array.from({ length: 19 }, () => worst)],
    { total: u8, entries: Array.from({ length: 19 }, () => worstMeaning) },
  ],
  [
    "peripheral-list with an element more in an entry",
    "peripheralList",
    "skipping",
    [1, [["led", "gpio", true]]],
    { total: 1, entries: [{ name: "led", kind: "gpio" }] },
  ],
  ["peripheral-list without entries", "peripheralList", "invalid", [1], "MESSAGE_MISSING"],
  ["peripheral-list of 256", "peripheralList", "invalid", [u8 + 1, []], "MESSAGE_FIELD"],
  ["a peripheral without a kind", "peripheralList", "invalid", [1, [["led"]]], "MESSAGE_MISSING"],
  [
    "a peripheral with a name of 33 bytes",
    "peripheralList",
    "invalid",
    [1, [[text(33), ""]]],
    "MESSAGE_FIELD",
  ],
  [
    "a peripheral with a kind of 17 bytes",
    "peripheralList",
    "invalid",
    [1, [["led", text(17)]]],
    "MESSAGE_FIELD",
  ],
];
