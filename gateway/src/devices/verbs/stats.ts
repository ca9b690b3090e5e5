/** A task (thread) of a device. What it does not know is absent. */
export interface TaskStats {
  readonly name: string;
  readonly state: "running" | "ready" | "blocked" | "suspended";
  /** Processor time since boot. */
  readonly cpuMs?: number;
  /** Stack that was never used. */
  readonly stackFreeBytes?: number;
}

/** What a device uses. What it does not know is absent. */
export interface DeviceStats {
  /** When it was asked, Unix milliseconds. */
  readonly atMs: number;
  /** Time since boot in which the processor was busy. */
  readonly cpuMs?: number;
  readonly heapTotalBytes?: number;
  readonly heapFreeBytes?: number;
  /** The least that was ever free. */
  readonly heapLeastBytes?: number;
  readonly filesTotalBytes?: number;
  readonly filesFreeBytes?: number;
  readonly tasks: readonly TaskStats[];
}

/**
 * Asks devices what they use (SPEC §6.9).
 * @throws RequestError STATS_UNSUPPORTED; UnavailableError where the device is away
 */
export interface StatsVerb {
  stats(key: string, options: { signal: AbortSignal }): Promise<DeviceStats>;
}
