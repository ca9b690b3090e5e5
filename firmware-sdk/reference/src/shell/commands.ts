import { type ShellCommandRow, unknownCommand } from "./command.ts";
import { cat, df, ls, rm } from "./files.ts";
import { helpOf } from "./help.ts";
import { free, ps, reboot, sleep, top, uptime } from "./machine.ts";
import type { RunningCommand, ShellCommand, ShellProcess } from "./process.ts";
import { get, set } from "./settings.ts";
import { echo, exit, log, size } from "./words.ts";

const help: ShellCommandRow = {
  usage: "help",
  what: "lists the commands",
  run: (process) => helpOf(process, shellRows),
};

/** The shell that every device has: the same in C and here (SHELL.md). */
export const shellRows: ReadonlyMap<string, ShellCommandRow> = new Map(
  [help, echo, ls, cat, rm, df, ps, top, free, uptime, log, get, set, size, sleep, exit, reboot].map(
    (row) => [row.usage.split(" ")[0] as string, row],
  ),
);

/** The same by name alone. */
export const shellCommands: ReadonlyMap<string, ShellCommand> = new Map(
  [...shellRows].map(([name, { run }]) => [name, run]),
);

/** Runs argv. An unknown command starts too: it says so on stderr and exits 127 (SPEC §6.3). */
export function startShellCommand(
  process: ShellProcess,
  argv: readonly string[],
  commands: ReadonlyMap<string, ShellCommand> = shellCommands,
): RunningCommand | undefined {
  const [name = "", ...args] = argv;
  const command = commands.get(name);
  return command ? command(process, args) : unknownCommand(process, name);
}
