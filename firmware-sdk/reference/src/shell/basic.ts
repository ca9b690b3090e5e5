import { builtIn, printAll, type ShellCommandRow, wrongUsage } from "./call.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

/** Accepts no options except `-n`, and prints all its other words, as POSIX requires. */
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

const longestSleepS = 86_400;
const exitUsage = "exit [CODE]";
const largestNumber = 0x7fff_ffff;

export const exit = builtIn({
  usage: exitUsage,
  what: "ends with an exit code",
  max: 1,
  run(process, { operands }) {
    const code = exitCodeOf(operands);
    if (code === undefined) return wrongUsage(process, "exit", exitUsage);
    process.exit(code);
    return undefined;
  },
});

/** The exit code of `exit`; undefined: it was called wrongly and ends nothing. */
export function exitCodeOf(args: readonly string[]): number | undefined {
  const [code = "0", ...more] = args[0] === "--" ? args.slice(1) : args;
  const isCode = more.length === 0 && /^\d+$/.test(code) && Number(code) <= largestNumber;
  return isCode ? Number(code) : undefined;
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

export const uptime = builtIn({
  usage: "uptime",
  what: "seconds since the boot",
  run(process) {
    process.print(`up ${uptimeS(process)} s\n`);
    process.exit(0);
    return undefined;
  },
});

/** Whole seconds since the boot. */
export const uptimeS = ({ uptimeMs }: ShellProcess) => Math.floor(uptimeMs / 1000);

const sleepUsage = "sleep N";

export const sleep = builtIn({
  usage: sleepUsage,
  what: "waits N seconds",
  min: 1,
  run(process, { operands: [seconds = ""] }) {
    const waits = /^\d{1,5}$/.test(seconds) && Number(seconds) <= longestSleepS;
    if (!waits) return wrongUsage(process, "sleep", sleepUsage);
    const wakeAtMs = process.nowMs + Number(seconds) * 1000;
    return {
      wakeAtMs,
      step() {
        if (process.nowMs >= wakeAtMs) process.exit(0);
      },
    };
  },
});

export const reboot = builtIn({
  usage: "reboot",
  what: "restarts the device",
  run(process) {
    process.exit(0);
    process.reboot();
    return undefined;
  },
});

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
