import { Capability, type CapabilityName } from "./capability.ts";
import { deviceCommands } from "./commands/device.ts";
import { streamCommands } from "./commands/exec.ts";
import { fileCommands } from "./commands/files.ts";
import { logRead } from "./commands/log-read.ts";

/**
 * The command table (SPEC §6). A new command is a row of one of these groups; `make generate` derives from it the SPEC's
 * table, the CDDL, C's rows and declarations, and the list of the reference runtime.
 */
export const commands = { ...deviceCommands, ...streamCommands, ...fileCommands, logRead } as const;

export type CommandName = keyof typeof commands;

const byOp = new Map<number, (typeof commands)[CommandName]>(
  Object.values(commands).map((row) => [row.op, row]),
);

/** The row of an op, or undefined if this version does not know it. */
export function commandByOp(op: number): (typeof commands)[CommandName] | undefined {
  return byOp.get(op);
}

/** Whether a device with these caps supports the command. */
export function hasCommand(caps: number, row: { readonly capability?: CapabilityName }): boolean {
  return row.capability === undefined || (caps & Capability[row.capability]) !== 0;
}
