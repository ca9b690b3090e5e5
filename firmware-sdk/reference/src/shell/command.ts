import type { RunningCommand, ShellCommand, ShellProcess } from "./process.ts";

/** A command with what `help` says about it. */
export interface ShellCommandRow {
  /** Its name and arguments, e.g. `rm PATH…`. */
  readonly usage: string;
  readonly what: string;
  readonly run: ShellCommand;
}

/** Exit codes of the shell (SHELL.md). */
export const ExitCode = { ok: 0, failed: 1, usage: 2, notFound: 127, signalled: 128 } as const;

/** Says that there is no such command, and ends with 127 (SPEC §6.3). */
export function unknownCommand(process: ShellProcess, name: string): undefined {
  process.printError(`${name}: not found\n`);
  process.exit(ExitCode.notFound);
  return undefined;
}

/** Says how a command is called, and ends with 2. */
export function wrongUsage(process: ShellProcess, name: string, usage: string): undefined {
  process.printError(`${name}: usage: ${usage}\n`);
  process.exit(ExitCode.usage);
  return undefined;
}

/** Prints one text after the other as there is room, then ends. */
export function printAll(
  process: ShellProcess,
  texts: Iterable<string>,
  code: number = ExitCode.ok,
): RunningCommand {
  const remaining = texts[Symbol.iterator]();
  return {
    step() {
      while (process.room > 0) {
        const { done, value } = remaining.next();
        if (done) {
          process.exit(code);
          return;
        }
        process.print(value);
      }
    },
  };
}
