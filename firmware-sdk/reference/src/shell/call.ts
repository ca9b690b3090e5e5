import type { RunningCommand, ShellCommand, ShellProcess } from "./process.ts";

/** A command with its text for `help`. */
export interface ShellCommandRow {
  /** Its name and arguments, e.g. `rm PATH…`. */
  readonly usage: string;
  readonly what: string;
  readonly run: ShellCommand;
}

/** Exit codes of the shell (SHELL.md). */
export const ExitCode = { ok: 0, failed: 1, usage: 2, notFound: 127, signalled: 128, max: 255 } as const;

/** Reports an unknown command, and ends with 127 (SPEC §6.3). */
export function unknownCommand(process: ShellProcess, name: string): undefined {
  process.printError(`${name}: not found\n`);
  process.exit(ExitCode.notFound);
  return undefined;
}

/** Prints the usage of a command, and ends with 2. */
export function wrongUsage(process: ShellProcess, name: string, usage: string): undefined {
  process.printError(`${name}: usage: ${usage}\n`);
  process.exit(ExitCode.usage);
  return undefined;
}

/** How a built-in was called: its options, and the operands after them. */
export interface Call {
  readonly given: ReadonlySet<string>;
  /** The value of the option that has one. */
  readonly value: string;
  readonly operands: readonly string[];
}

/** A command with options and operands in the form of POSIX (XBD 12.2). */
export interface BuiltIn {
  readonly usage: string;
  readonly what: string;
  /** The accepted letters, e.g. `bn:`; a letter with a colon after it has a value. */
  readonly options?: string;
  /** The allowed number of operands. */
  readonly min?: number;
  readonly max?: number;
  run(process: ShellProcess, call: Call): RunningCommand | undefined;
}

/**
 * A built-in of the shell. Before it does anything, it refuses an unknown option by name, and prints its usage for a
 * wrong number of operands.
 */
export function builtIn(row: BuiltIn): ShellCommandRow {
  const { usage, what, options = "", min = 0, max = min } = row;
  const name = usage.split(" ")[0] as string;
  return {
    usage,
    what,
    run(process, args) {
      const call = readCall(args, options);
      if (typeof call === "string") process.printError(`${name}: ${call}: unknown option\n`);
      else if (call && call.operands.length >= min && call.operands.length <= max)
        return row.run(process, call);
      return wrongUsage(process, name, usage);
    },
  };
}

/** @returns the option that is not known, or undefined if one lacks its value */
function readCall(args: readonly string[], options: string): Call | string | undefined {
  const given = new Set<string>();
  let value = "";
  let at = 0;
  for (; at < args.length; at++) {
    const word = args[at] as string;
    if (word === "--") {
      at++;
      break;
    }
    if (!word.startsWith("-") || word === "-") break;
    for (let i = 1; i < word.length; i++) {
      const letter = word[i] as string;
      if (letter === ":" || !options.includes(letter)) return optionAt(word, i);
      given.add(letter);
      if (options[options.indexOf(letter) + 1] !== ":") continue;
      const next = word.slice(i + 1) || args[++at];
      if (next === undefined) return undefined;
      value = next;
      break;
    }
  }
  return { given, value, operands: args.slice(at) };
}

/** The option at a place of a word: a letter, or all of the rest where that is none: `--all`, `-é`. */
function optionAt(word: string, at: number): string {
  const letter = word[at] as string;
  return letter > " " && letter <= "~" && letter !== "-" ? `-${letter}` : `-${word.slice(at)}`;
}

/** Prints texts one after the other as space becomes free, then ends. */
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
