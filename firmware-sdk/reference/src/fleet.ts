import { type DeviceOptions, ReferenceDevice } from "./device.ts";

/** Many devices in one process. */
export class Fleet {
  readonly devices: readonly ReferenceDevice[];
  readonly #startsPerSecond: number;
  #stopped = false;

  /** @param options.startsPerSecond so that a thousand devices do not greet at the same instant */
  constructor(devices: readonly DeviceOptions[], options: { readonly startsPerSecond?: number } = {}) {
    this.devices = devices.map((device) => new ReferenceDevice(device));
    this.#startsPerSecond = options.startsPerSecond ?? 200;
  }

  /** Starts them one after the other. Resolves when all links can be opened. */
  async start(): Promise<void> {
    const startedMs = performance.now();
    for (const [index, device] of this.devices.entries()) {
      const waitMs = startedMs + (index * 1000) / this.#startsPerSecond - performance.now();
      if (waitMs > 1) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (this.#stopped) return;
      await device.start();
    }
  }

  /** Says goodbye for all of them. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.devices.map((device) => device.stop()));
  }

  /** How many devices have a session. */
  get online(): number {
    return this.devices.filter((device) => device.state === "online").length;
  }
}
