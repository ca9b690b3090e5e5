import { type FaultCounts, FaultyLink, faultKinds } from "../carrier/faults.ts";
import { ReferenceDevice } from "./device.ts";
import { onBehalfOf } from "./device-context.ts";
import type { DeviceOptions } from "./device-options.ts";

/** Counts of a fleet since its start. */
export interface FleetSummary {
  readonly devices: number;
  readonly online: number;
  /** Devices that were ended by an error in their code; see containDeviceErrors. */
  readonly failed: number;
  readonly messagesOut: number;
  readonly messagesIn: number;
  /** How often links opened again. */
  readonly reconnects: number;
  /** Over the carrier, framing included. */
  readonly bytesOut: number;
  readonly bytesIn: number;
  readonly faults: Readonly<FaultCounts>;
}

/** Many devices in one process. Each error is assigned to its device: see containDeviceErrors. */
export class Fleet {
  readonly devices: readonly ReferenceDevice[];
  readonly #startsPerSecond: number;
  #stopped = false;

  /** @param options.startsPerSecond limits how many devices say hello at the same time; default 200 */
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
      await onBehalfOf(device, () => device.start());
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

  summary(): FleetSummary {
    const traffics = this.devices.flatMap(({ link }) => (link.traffic ? [link.traffic] : []));
    const faults = this.devices.flatMap(({ link }) => (link instanceof FaultyLink ? [link.counts] : []));
    const sum = <T>(items: readonly T[], of: (item: T) => number) =>
      items.reduce((total, item) => total + of(item), 0);
    return {
      devices: this.devices.length,
      online: this.online,
      failed: this.devices.filter(({ failed }) => failed).length,
      messagesOut: sum(traffics, ({ messagesOut }) => messagesOut),
      messagesIn: sum(traffics, ({ messagesIn }) => messagesIn),
      reconnects: sum(traffics, ({ opens }) => Math.max(0, opens - 1)),
      bytesOut: sum(traffics, ({ bytesOut }) => bytesOut),
      bytesIn: sum(traffics, ({ bytesIn }) => bytesIn),
      faults: Object.fromEntries(
        faultKinds.map((kind) => [kind, sum(faults, (counts) => counts[kind])]),
      ) as FaultCounts,
    };
  }
}
