import type { DeviceStats } from "../stats.ts";
import { uptimeS } from "./basic.ts";
import { builtIn, printAll, wrongUsage } from "./call.ts";
import type { RunningCommand, ShellProcess } from "./process.ts";

const topIntervalMs = 1_000;
/** Home, and clear to the end of the screen (ECMA-48). */
const clearScreen = "\u001b[H\u001b[J";

export const free = builtIn({
  usage: "free [-b]",
  what: "heap, in bytes",
  options: "b",
  run(process) {
    const { heapTotalBytes = 0, heapFreeBytes = 0, heapMinBytes = 0 } = process.parts.stats?.() ?? {};
    process.print(`total ${heapTotalBytes}\nfree ${heapFreeBytes}\nleast ${heapMinBytes}\n`);
    process.exit(0);
    return undefined;
  },
});

export const ps = builtIn({
  usage: "ps [-Aef]",
  what: "tasks, their processor time and stack",
  // They change nothing: all tasks are there, with all that is known of them.
  options: "Aef",
  run: (process) => printAll(process, taskLines(process.parts.stats?.())),
});

function* taskLines(stats: DeviceStats | undefined): Generator<string> {
  yield "STATE\tCPU\tSTACK\tNAME\n";
  for (const { name, state, cpuMs, stackFreeBytes } of stats?.tasks ?? [])
    yield `${state}\t${(cpuMs / 1000).toFixed(3)}\t${stackFreeBytes ?? "-"}\t${name}\n`;
}

const topUsage = "top [-b] [-n N]";
const maxTimes = 0xffff;

export const top = builtIn({
  usage: topUsage,
  what: "use of processor and memory, again and again",
  options: "bn:",
  run(process, { given, value }) {
    const times = Number(value);
    const isCounted = given.has("n");
    if (isCounted && !(/^\d+$/.test(value) && times >= 1 && times <= maxTimes))
      return wrongUsage(process, "top", topUsage);
    const onTerminal = process.terminal !== undefined && !given.has("b");
    return new Top(process, isCounted ? times : onTerminal ? Number.POSITIVE_INFINITY : 1, onTerminal);
  },
});

/** Looks at the device each second. */
class Top implements RunningCommand {
  wakeAtMs: number;
  readonly #process: ShellProcess;
  readonly #clears: boolean;
  #timesLeft: number;
  #before: { readonly uptimeMs: number; readonly cpuMs: number } = { uptimeMs: 0, cpuMs: 0 };
  #first = true;

  constructor(process: ShellProcess, times: number, clears: boolean) {
    this.#process = process;
    this.#clears = clears;
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
    const clear = this.#clears && !this.#first ? clearScreen : "";
    this.#first = false;
    process.print([clear, head, ...taskLines(stats)].join(""));
  }
}
