import type { DeviceStats } from "../stats.ts";
import { printAll, type ShellCommandRow, wrongUsage } from "./command.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

const topIntervalMs = 1_000;
const longestSleepS = 86_400;
/** Home, and clear to the end of the screen (ECMA-48). */
const clearScreen = "\u001b[H\u001b[J";

export const uptime: ShellCommandRow = {
  usage: "uptime",
  what: "seconds since the boot",
  run(process) {
    process.print(`up ${uptimeS(process)} s\n`);
    process.exit(0);
    return undefined;
  },
};

const uptimeS = ({ uptimeMs }: ShellProcess) => Math.floor(uptimeMs / 1000);

export const free: ShellCommandRow = {
  usage: "free",
  what: "heap, in bytes",
  run(process) {
    const { heapTotalBytes = 0, heapFreeBytes = 0, heapLeastBytes = 0 } = process.parts.stats?.() ?? {};
    process.print(`total ${heapTotalBytes}\nfree ${heapFreeBytes}\nleast ${heapLeastBytes}\n`);
    process.exit(0);
    return undefined;
  },
};

export const ps: ShellCommandRow = {
  usage: "ps",
  what: "tasks, their processor time and stack",
  run: (process) => printAll(process, taskLines(process.parts.stats?.())),
};

function* taskLines(stats: DeviceStats | undefined): Generator<string> {
  yield "STATE\tCPU\tSTACK\tNAME\n";
  for (const { name, state, cpuMs, stackFreeBytes } of stats?.tasks ?? [])
    yield `${state}\t${(cpuMs / 1000).toFixed(3)}\t${stackFreeBytes ?? "-"}\t${name}\n`;
}

export const top: ShellCommandRow = {
  usage: "top [-n N]",
  what: "use of processor and memory, again and again",
  run(process, [flag, count, ...more]) {
    const times = Number(count);
    const counted = flag === "-n" && Number.isInteger(times) && times >= 1;
    if (more.length > 0 || (flag !== undefined && !counted)) return wrongUsage(process, "top", top.usage);
    return new Top(process, counted ? times : process.terminal ? Number.POSITIVE_INFINITY : 1);
  },
};

/** Looks at the device each second. */
class Top implements RunningCommand {
  wakeAtMs: number;
  readonly #process: ShellProcess;
  #timesLeft: number;
  #before: { readonly uptimeMs: number; readonly cpuMs: number } = { uptimeMs: 0, cpuMs: 0 };
  #first = true;

  constructor(process: ShellProcess, times: number) {
    this.#process = process;
    this.#timesLeft = times;
    this.wakeAtMs = process.nowMs;
  }

  step(): void {
    const process = this.#process;
    if (process.nowMs < this.wakeAtMs) return;
    this.wakeAtMs = process.nowMs + topIntervalMs;
    // A reader that does not follow misses some.
    if (process.room > 0) this.#look(process);
    if (--this.#timesLeft <= 0) process.exit(0);
  }

  #look(process: ShellProcess): void {
    const stats = process.parts.stats?.();
    const { uptimeMs } = process;
    const cpuMs = stats?.cpuMs ?? 0;
    const elapsedMs = Math.max(1, uptimeMs - this.#before.uptimeMs);
    const percent = Math.min(100, Math.round(((cpuMs - this.#before.cpuMs) * 100) / elapsedMs));
    this.#before = { uptimeMs, cpuMs };
    const heap = `heap ${stats?.heapFreeBytes ?? 0} of ${stats?.heapTotalBytes ?? 0} free`;
    const head = `up ${uptimeS(process)} s, cpu ${percent} %, ${heap}\n`;
    const clear = process.terminal && !this.#first ? clearScreen : "";
    this.#first = false;
    process.print([clear, head, ...taskLines(stats)].join(""));
  }
}

export const sleep: ShellCommandRow = {
  usage: "sleep N",
  what: "waits so many seconds",
  run(process, [seconds = "", ...more]) {
    const waits = /^\d{1,5}$/.test(seconds) && Number(seconds) <= longestSleepS && more.length === 0;
    if (!waits) return wrongUsage(process, "sleep", sleep.usage);
    const wakeAtMs = process.nowMs + Number(seconds) * 1000;
    return {
      wakeAtMs,
      step() {
        if (process.nowMs >= wakeAtMs) process.exit(0);
      },
    };
  },
};

export const reboot: ShellCommandRow = {
  usage: "reboot",
  what: "restarts the device",
  run(process) {
    process.exit(0);
    process.reboot();
    return undefined;
  },
};
