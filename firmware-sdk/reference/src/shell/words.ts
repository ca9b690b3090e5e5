import { type ShellCommandRow, wrongUsage } from "./command.ts";
import type { ShellProcess } from "./process.ts";

export const echo: ShellCommandRow = {
  usage: "echo TEXT…",
  what: "prints its arguments",
  run(process, args) {
    process.print(`${args.join(" ")}\n`);
    process.exit(0);
    return undefined;
  },
};

export const exit: ShellCommandRow = {
  usage: "exit CODE",
  what: "ends with an exit code",
  run(process, [code = "0"]) {
    const number = Number.parseInt(code, 10);
    process.exit(Number.isNaN(number) ? 2 : number & 0xff);
    return undefined;
  },
};

export const log: ShellCommandRow = {
  usage: "log [-p|TEXT…]",
  what: "shows the log, or records a line in it",
  run(process, args) {
    if (args.length === 0) return show(process, "this");
    if (args.length === 1 && args[0] === "-p") return show(process, "previous");
    process.log(args.join(" "));
    process.exit(0);
    return undefined;
  },
};

/** The ring's lines as they are at this moment; they are few and short, since the ring is small. */
function show(process: ShellProcess, boot: "this" | "previous"): undefined {
  for (const { body, boot: of } of process.parts.ring?.entries() ?? [])
    if (body.type === "text" && of === boot) process.print(`${body.text}\n`);
  process.exit(0);
  return undefined;
}

export const size: ShellCommandRow = {
  usage: "size [-f]",
  what: "columns and rows of the terminal",
  run(process, args) {
    const follows = args[0] === "-f";
    if (args.length > 1 || (args.length === 1 && !follows)) return wrongUsage(process, "size", size.usage);
    const show = () => {
      const { columns, rows } = process.terminal ?? { columns: 0, rows: 0 };
      process.print(`${columns} ${rows}\n`);
    };
    show();
    if (follows) return { resized: show };
    process.exit(0);
    return undefined;
  },
};
