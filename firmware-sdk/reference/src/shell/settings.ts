import { builtIn, ExitCode } from "./call.ts";

export const get = builtIn({
  usage: "get [NAME]",
  what: "settings and their values",
  max: 1,
  run(process, { operands: [name] }) {
    const { settings } = process.parts;
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
});

export const set = builtIn({
  usage: "set NAME VALUE…",
  what: "changes a setting",
  min: 2,
  max: Number.POSITIVE_INFINITY,
  run(process, { operands: [name = "", ...words] }) {
    const outcome = process.parts.settings?.set(name, words.join(" ")) ?? { kind: "unknown" };
    if (outcome.kind === "unknown") process.printError(`set: ${name}: not found\n`);
    if (outcome.kind === "refused") process.printError(`set: ${name}: expected ${outcome.expected}\n`);
    process.exit(outcome.kind === "set" ? ExitCode.ok : ExitCode.failed);
    return undefined;
  },
});
