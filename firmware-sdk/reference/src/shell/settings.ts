import { ExitCode, type ShellCommandRow, wrongUsage } from "./command.ts";

export const get: ShellCommandRow = {
  usage: "get [NAME]",
  what: "settings and their values",
  run(process, [name, ...more]) {
    const { settings } = process.parts;
    if (more.length > 0) return wrongUsage(process, "get", get.usage);
    if (name === undefined) {
      for (const known of settings?.names ?? []) process.print(`${known}=${settings?.get(known)}\n`);
      process.exit(ExitCode.ok);
      return undefined;
    }
    const value = settings?.find(name);
    if (value === undefined) process.printError(`get: ${name}: not found\n`);
    else process.print(`${value}\n`);
    process.exit(value === undefined ? ExitCode.failed : ExitCode.ok);
    return undefined;
  },
};

export const set: ShellCommandRow = {
  usage: "set NAME VALUE…",
  what: "changes a setting",
  run(process, [name, ...words]) {
    if (name === undefined || words.length === 0) return wrongUsage(process, "set", set.usage);
    const outcome = process.parts.settings?.set(name, words.join(" ")) ?? { kind: "unknown" };
    if (outcome.kind === "unknown") process.printError(`set: ${name}: not found\n`);
    if (outcome.kind === "refused") process.printError(`set: ${name}: expected ${outcome.expected}\n`);
    process.exit(outcome.kind === "set" ? ExitCode.ok : ExitCode.failed);
    return undefined;
  },
};
