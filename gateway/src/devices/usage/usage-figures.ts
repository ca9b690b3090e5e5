import type { DeviceFacts } from "../device.ts";
import type { DeviceStats } from "../verbs/stats.ts";
import { CpuCounter } from "./cpu-counter.ts";

/** The resource use of a device, as scrapers need it. Unknown values are absent. */
export interface Usage {
  /** Time of the figures, Unix milliseconds. */
  readonly atMs: number;
  readonly bootedAtMs?: number;
  /** Busy time of the processor over all boots that this gateway saw; never decreases. */
  readonly cpuMs: number;
  /** The same for the current boot. */
  readonly bootCpuMs: number;
  /** Busy share of one core between the last two samples, 0…1. */
  readonly cpuCores?: number;
  /** RAM that is not free heap; if the device does not report its RAM, used heap. */
  readonly memoryBytes?: number;
  readonly memoryFreeBytes?: number;
  readonly filesTotalBytes?: number;
  readonly filesFreeBytes?: number;
}

/** What is known about the resource use of one device. */
export interface Sampled {
  readonly uid: string;
  readonly cpu: CpuCounter;
  /** Of the newest beat that was counted. */
  beatAtMs: number | undefined;
  stats: { readonly boot: number | undefined; readonly told: DeviceStats } | undefined;
  askedAtMs: number | undefined;
  asking: Promise<void> | undefined;
  /** The last two instants and counts, for the rate. */
  last: { readonly atMs: number; readonly cpuMs: number } | undefined;
  cores: number | undefined;
}

export function newlySampled(uid: string): Sampled {
  return {
    uid,
    cpu: new CpuCounter(),
    beatAtMs: undefined,
    stats: undefined,
    askedAtMs: undefined,
    asking: undefined,
    last: undefined,
    cores: undefined,
  };
}

/** Records the count at an instant, and the rate since the previous one. */
export function remember(sampled: Sampled, atMs: number): void {
  const cpuMs = sampled.cpu.totalMs;
  const { last } = sampled;
  if (last && atMs > last.atMs) sampled.cores = Math.min(1, (cpuMs - last.cpuMs) / (atMs - last.atMs));
  sampled.last = { atMs, cpuMs };
}

/** The stats that the device reported in the current boot. */
export function statsOf(facts: DeviceFacts, { stats }: Sampled): DeviceStats | undefined {
  return stats?.boot === facts.boot ? stats?.told : undefined;
}

/** @returns undefined if the device has reported nothing */
export function usageOf(facts: DeviceFacts, sampled: Sampled): Usage | undefined {
  const { hardware, sample, bootedAtMs } = facts;
  const stats = statsOf(facts, sampled);
  if (!stats && !sample) return undefined;
  const newest = stats && (!sample || stats.atMs >= sample.atMs) ? stats : sample;
  // With a count of the device's own, the sample is as old as that count: a rate is only true between such instants.
  const atMs = stats?.cpuMs === undefined ? (newest?.atMs ?? 0) : stats.atMs;
  const freeBytes = newest?.heapFreeBytes ?? stats?.heapFreeBytes ?? sample?.heapFreeBytes;
  const totalBytes = [hardware.ramBytes, stats?.heapTotalBytes].find(
    (bytes) => bytes && bytes >= (freeBytes ?? 0),
  );
  const known = <K extends string>(name: K, value: number | undefined) =>
    (value === undefined ? {} : { [name]: value }) as Partial<Record<K, number>>;
  return {
    atMs,
    cpuMs: sampled.cpu.totalMs,
    bootCpuMs: sampled.cpu.bootMs,
    ...known("bootedAtMs", bootedAtMs),
    ...known("cpuCores", sampled.cores),
    ...known("memoryFreeBytes", freeBytes),
    ...known(
      "memoryBytes",
      freeBytes === undefined || totalBytes === undefined ? undefined : Math.max(0, totalBytes - freeBytes),
    ),
    ...known("filesTotalBytes", stats?.filesTotalBytes),
    ...known("filesFreeBytes", stats?.filesFreeBytes),
  };
}
