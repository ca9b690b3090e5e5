/** The size of lines. */
export interface LogSize {
  readonly lines: number;
  /** Their text, and the overhead of each line. */
  readonly bytes: number;
}

const nothing: LogSize = { lines: 0, bytes: 0 };

/** The size of each boot of each device in the log store; the owner keeps it in step with the tables. */
export class LogSizes {
  /** By device, then by the boot's ordinal. */
  readonly #devices = new Map<string, Map<number, LogSize>>();
  #total = 0;

  /** Bytes of all devices. */
  get total(): number {
    return this.#total;
  }

  of(device: string, ordinal: number): LogSize {
    return this.#devices.get(device)?.get(ordinal) ?? nothing;
  }

  set(device: string, ordinal: number, size: LogSize): void {
    this.#total += size.bytes - this.of(device, ordinal).bytes;
    const boots = this.#devices.get(device) ?? new Map<number, LogSize>();
    this.#devices.set(device, boots);
    if (size.lines === 0) boots.delete(ordinal);
    else boots.set(ordinal, size);
    if (boots.size === 0) this.#devices.delete(device);
  }

  /** Forgets a device. */
  clear(device: string): void {
    for (const { bytes } of this.#devices.get(device)?.values() ?? []) this.#total -= bytes;
    this.#devices.delete(device);
  }

  /** The older boot of the device with the largest log; undefined if there is nothing. */
  largest(): { device: string; ordinal: number; deviceBytes: number } | undefined {
    let largest: { device: string; ordinal: number; deviceBytes: number } | undefined;
    for (const [device, boots] of this.#devices) {
      let deviceBytes = 0;
      for (const { bytes } of boots.values()) deviceBytes += bytes;
      if (!largest || deviceBytes > largest.deviceBytes)
        largest = { device, ordinal: Math.min(...boots.keys()), deviceBytes };
    }
    return largest;
  }
}
