import { echo, exit, helpOf, reboot, size, sleep, uptime } from "./basic.ts";
import { builtIn, type ShellCommandRow, unknownCommand } from "./call.ts";
import { cat, df, ls, rm } from "./files.ts";
import { log } from "./log.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";
import { get, set } from "./settings.ts";
import { free, ps, top } from "./tasks.ts";

const help = helpFor(() => shellCommands);

function helpFor(commands: () => ReadonlyMap<string, ShellCommandRow>): ShellCommandRow {
  return builtIn({
    usage: "help",
    what: "lists the commands",
    run: (process) => helpOf(process, commands()),
  });
}

/** The shell that every device has: the same in C and here (SHELL.md). */
export const shellCommands: ReadonlyMap<string, ShellCommandRow> = new Map(
  [help, echo, ls, cat, rm, df, ps, top, free, uptime, log, get, set, size, sleep, exit, reboot].map(
    (row) => [row.usage.split(" ")[0] as string, row],
  ),
);

/**
 * Runs argv. An unknown command starts too: it prints an error on stderr and exits with 127 (SPEC §6.3).
 * @param own commands of the device in addition to the default ones, or replacing them; help lists them too
 */
export function startShellCommand(
  process: ShellProcess,
  argv: readonly string[],
  own?: ReadonlyMap<string, ShellCommandRow>,
): RunningCommand | undefined {
  const [name = "", ...args] = argv;
  const known = own?.get(name) ?? shellCommands.get(name);
  const command = known === help && own ? helpFor(() => new Map([...shellCommands, ...own])) : known;
  return command ? command.run(process, args) : unknownCommand(process, name);
}
