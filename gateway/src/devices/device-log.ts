/** One line (or part of one) of a device's log. */
export interface LogEntry {
  /** Unix milliseconds: arrival − age. */
  readonly stampMs: number;
  /** With its line end, unless the line is not complete yet. */
  readonly text: string;
}

export interface LogQuery {
  /** The boot before this one. */
  readonly previous: boolean;
  readonly follow: boolean;
  /** Count from the end; applied before `sinceMs`, as a kubelet does. */
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/** Reads a device's stored log, oldest first. With `follow` it goes on until the signal or the device's removal. */
export interface DeviceLogReader {
  /** @returns undefined where there is no such log (no previous boot) */
  read(key: string, query: LogQuery): AsyncIterable<readonly LogEntry[]> | undefined;
}
