import { builtIn, type ShellCommandRow, wrongUsage } from "./command.ts";
import type { ShellProcess } from "./process.ts";

/** Takes no options but `-n`, and prints whatever else it is given, as POSIX wants it. */
export const echo: ShellCommandRow = {
  usage: "echo [-n] [TEXT…]",
  what: "prints its arguments",
  run(process, args) {
    const endsLine = args[0] !== "-n";
    process.print(`${(endsLine ? args : args.slice(1)).join(" ")}${endsLine ? "\n" : ""}`);
    process.exit(0);
    return undefined;
  },
};

const exitUsage = "exit [CODE]";
const largestNumber = 0x7fff_ffff;

export const exit = builtIn({
  usage: exitUsage,
  what: "ends with an exit code",
  most: 1,
  run(process, { operands }) {
    const code = exitCodeOf(operands);
    if (code === undefined) return wrongUsage(process, "exit", exitUsage);
    process.exit(code);
    return undefined;
  },
});

/** What `exit` ends with; undefined: it is called wrongly, and ends nothing. */
export function exitCodeOf(args: readonly string[]): number | undefined {
  const [code = "0", ...more] = args[0] === "--" ? args.slice(1) : args;
  const isCode = more.length === 0 && /^\d+$/.test(code) && Number(code) <= largestNumber;
  return isCode ? Number(code) : undefined;
}

const logUsage = "log [-p|TEXT…]";

export const log = builtIn({
  usage: logUsage,
  what: "shows the log, or records a line in it",
  options: "p",
  most: Number.POSITIVE_INFINITY,
  run(process, { given, operands }) {
    if (given.has("p"))
      return operands.length > 0 ? wrongUsage(process, "log", logUsage) : show(process, "previous");
    if (operands.length === 0) return show(process, "this");
    process.log(operands.join(" "));
    process.exit(0);
    return undefined;
  },
});

/** The ring's lines as they are at this moment; they are few and short, since the ring is small. */
function show(process: ShellProcess, boot: "this" | "previous"): undefined {
  for (const { body, boot: of } of process.parts.ring?.entries() ?? [])
    if (body.type === "text" && of === boot) process.print(`${body.text}\n`);
  process.exit(0);
  return undefined;
}

export const size = builtIn({
  usage: "size [-f]",
  what: "columns and rows of the terminal",
  options: "f",
  run(process, { given }) {
    const show = () => {
      const { columns, rows } = process.terminal ?? { columns: 0, rows: 0 };
      process.print(`${columns} ${rows}\n`);
    };
    show();
    if (given.has("f")) return { resized: show };
    process.exit(0);
    return undefined;
  },
});
