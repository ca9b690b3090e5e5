/** What a task does at the moment (SPEC §6.9). */
type TaskStateName = "running" | "ready" | "blocked" | "suspended";

/** A part of the device, or a running command. */
export interface TaskStats {
  /** At most 16 bytes. */
  readonly name: string;
  readonly state: TaskStateName;
  readonly cpuMs: number;
  /** Least free stack; null: unknown. */
  readonly stackFreeBytes: number | null;
}

/** Figures of a device at one moment. */
export interface DeviceStats {
  /** Busy time since the boot, milliseconds. */
  readonly cpuMs: number;
  readonly heapTotalBytes: number;
  readonly heapFreeBytes: number;
  /** Least free heap since the boot. */
  readonly heapMinBytes: number;
  readonly filesTotalBytes: number;
  readonly filesFreeBytes: number;
  readonly tasks: readonly TaskStats[];
}
