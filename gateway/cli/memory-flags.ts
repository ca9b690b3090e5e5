import process from "node:process";

/**
 * How V8 is to treat memory in a gateway. Its own defaults are for programs that may fill the machine: after a bring-up of
 * 500 devices the heap kept 240 KiB for each, most of it space for what is thrown away at once; for size it is 70.
 */
export const memoryFlags = ["--max-semi-space-size=4", "--optimize-for-size"] as const;

/**
 * The command line with which this process must restart for the flags to apply: V8 lays out its heap before any code of
 * ours runs.
 * @param nodeOptions of the environment; a semi-space size there or on the command line is kept
 * @returns undefined if nothing is to be done
 */
export function commandLineWithFlags(
  { execPath, execArgv, argv }: Pick<NodeJS.Process, "execPath" | "execArgv" | "argv">,
  nodeOptions = "",
): readonly string[] | undefined {
  if ([...execArgv, nodeOptions].some((option) => option.includes("semi-space-size"))) return undefined;
  return [execPath, ...execArgv, ...memoryFlags, ...argv.slice(1)];
}

/** Restarts this process with the flags, under the same id and with the same input and output. Returns if they already apply. */
export function holdMemoryFlags(): void {
  const commandLine = commandLineWithFlags(process, process.env.NODE_OPTIONS);
  if (!commandLine) return;
  // Absent on Windows, where the gateway runs as it is.
  process.execve?.(process.execPath, commandLine, process.env as Record<string, string>);
}
