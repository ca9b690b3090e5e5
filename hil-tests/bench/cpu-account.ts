import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** Clock ticks a second in /proc/<pid>/stat: USER_HZ, 100 on every architecture that Node.js runs on. */
const ticksPerSecond = 100;

/** Seconds of processor time that a process, with all its threads, has used; 0 if it is gone. */
export function cpuSeconds(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the name, may hold spaces; it ends with the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return 0;
  }
}

/** Processes whose command line holds a text, by the name of their program: the servers of a control plane by its folder. */
export function processesWith(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    try {
      const [command = "", ...args] = readFileSync(`/proc/${entry}/cmdline`, "utf8").split("\0");
      if (!args.some((arg) => arg.includes(text))) continue;
      found.set(command.slice(command.lastIndexOf("/") + 1), Number(entry));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Use of the processor since the last call, by user. */
export class CpuAccount {
  readonly #pids: ReadonlyMap<string, number>;
  #before: ReadonlyMap<string, number>;

  constructor(pids: ReadonlyMap<string, number>) {
    this.#pids = pids;
    this.#before = this.#look();
  }

  /** @returns seconds by name since the account was opened, or last taken */
  take(): Record<string, number> {
    const now = this.#look();
    const spent = [...now].map(([name, seconds]) => [name, seconds - (this.#before.get(name) ?? 0)] as const);
    this.#before = now;
    return Object.fromEntries(spent);
  }

  #look(): ReadonlyMap<string, number> {
    return new Map([...this.#pids].map(([name, pid]) => [name, cpuSeconds(pid)]));
  }
}

/** This process, which counts. */
export const ownProcess: readonly [string, number] = ["bench", process.pid];

export function sumOf(seconds: Readonly<Record<string, number>>): number {
  return Object.values(seconds).reduce((sum, each) => sum + each, 0);
}
