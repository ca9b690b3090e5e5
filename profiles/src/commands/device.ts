import {
  decodeKeyed,
  encodeKeyed,
  integer,
  type KeyedShapeOf,
  keyed,
  list,
  MessageError,
  nullable,
  pair,
  text,
  tuple,
  u8,
  u32,
} from "../fields.ts";
import { limits } from "../limits.ts";
import { type CommandRow, command, nothing, seconds } from "./row.ts";

/** Whether the firmware in the running slot is confirmed (SPEC §6.2). */
export const FirmwareState = { confirmed: 0, probation: 1 } as const;

/** What a task does at the moment (SPEC §6.9). */
export const TaskState = { running: 0, ready: 1, blocked: 2, suspended: 3 } as const;

const ping = command({
  op: 1,
  name: "ping",
  summary: "proves life",
  effect: "none",
  request: nothing,
  response: nothing,
});

const reboot = command({
  op: 2,
  name: "reboot",
  summary: "answers, then reboots",
  effect: "at-most-once",
  capability: "reboot",
  request: nothing,
  response: nothing,
});

const infoKeys = {
  arch: { key: 1, field: text(12) },
  os: { key: 2, field: text(16) },
  ramKiB: { key: 3, field: u32 },
  flashKiB: { key: 4, field: u32 },
  labels: { key: 5, field: list(pair(text(32), text(32))) },
  firmwareSlot: { key: 6, field: u8 },
  firmwareState: { key: 7, field: integer(0, FirmwareState.probation) },
};

const info: CommandRow<Readonly<Record<never, never>>, KeyedShapeOf<typeof infoKeys>> = {
  ...command({
    op: 3,
    name: "info",
    summary: "what the device is made of",
    effect: "none",
    request: nothing,
    response: { info: keyed(infoKeys) },
  }),
  encodeResult: (result) => [encodeKeyed(infoKeys, result, "info result")],
  decodeResult([map]) {
    if (map === undefined) throw new MessageError("MESSAGE_MISSING", "info result: its map is missing");
    return decodeKeyed(infoKeys, map, "info result").shape;
  },
};

const time = command({
  op: 4,
  name: "time",
  summary: "the device's clock",
  effect: "none",
  capability: "time",
  request: nothing,
  response: { s: u32, ms: integer(0, 999) },
});

/** Keys of the map of stats (SPEC §6.9). */
export const statsKeys = {
  cpu: { key: 1, field: seconds },
  heapTotal: { key: 2, field: u32 },
  heapFree: { key: 3, field: u32 },
  heapLeast: { key: 4, field: u32 },
  filesTotal: { key: 5, field: u32 },
  filesFree: { key: 6, field: u32 },
};

const task = tuple({
  name: text(limits.taskNameBytes),
  state: integer(0, TaskState.suspended),
  cpu: nullable(seconds),
  stackFree: nullable(u32),
});

const stats = command({
  op: 11,
  name: "stats",
  summary: "use of processor, memory and file system, and the tasks from index `from`",
  effect: "none",
  capability: "stats",
  request: { from: u8 },
  response: { total: u8, device: keyed(statsKeys), tasks: list(task) },
});

/** The rows about the device itself. */
export const deviceCommands = { ping, reboot, info, time, stats } as const;
