import { printAll, type ShellCommandRow } from "./command.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

/** Column at which the explanations of `help` begin. */
const usageColumns = 17;

/** Lists commands: usage and what each does. */
export function helpOf(
  process: ShellProcess,
  commands: ReadonlyMap<string, Pick<ShellCommandRow, "usage" | "what">>,
): RunningCommand {
  const lines = [...commands.values()].map(
    ({ usage, what }) => `${usage.padEnd(usageColumns - 1)} ${what}\n`,
  );
  return printAll(process, lines);
}
