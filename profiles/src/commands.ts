import { Capability, type CapabilityName } from "./capability.ts";
import { info, ping, reboot, stats, time } from "./commands/device.ts";
import { console, dial, exec, execControl, peripheralInvoke, peripheralList } from "./commands/exec.ts";
import { fileList, fileRead, fileRemove, fileRename, fileStat, fileWrite } from "./commands/files.ts";
import { logRead } from "./commands/log-read.ts";

/** The command table (SPEC §6), in ascending order of ops. */
export const commands = {
  ping,
  reboot,
  info,
  time,
  exec,
  execControl,
  console,
  logRead,
  stats,
  dial,
  fileStat,
  fileList,
  fileRead,
  fileWrite,
  fileRemove,
  fileRename,
  peripheralList,
  peripheralInvoke,
} as const;

export type CommandName = keyof typeof commands;

const byOp = new Map<number, (typeof commands)[CommandName]>(
  Object.values(commands).map((row) => [row.op, row]),
);

/** The row of an op, or undefined for one that this version does not know. */
export function commandByOp(op: number): (typeof commands)[CommandName] | undefined {
  return byOp.get(op);
}

/** Whether a device with these caps says that it has the command. */
export function hasCommand(caps: number, row: { readonly capability?: CapabilityName }): boolean {
  return row.capability === undefined || (caps & Capability[row.capability]) !== 0;
}
