import { commands } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";
import { readPages } from "./pages.ts";

/** A task (thread) of a device. What it does not know is absent. */
interface TaskStats {
  /** Stack that was never used. */
  readonly stackFreeBytes?: number;
}

/** The resource use of a device. Values that it does not know are absent. */
export interface DeviceStats {
  /** When it was asked, Unix milliseconds. */
  readonly atMs: number;
  /** Time since boot in which the processor was busy. */
  readonly cpuMs?: number;
  readonly heapTotalBytes?: number;
  readonly heapFreeBytes?: number;
  readonly filesTotalBytes?: number;
  readonly filesFreeBytes?: number;
  readonly tasks: readonly TaskStats[];
}

/**
 * Asks devices for their resource use (SPEC §6.9).
 * @throws RequestError STATS_UNSUPPORTED; UnavailableError if the device is offline
 */
export interface StatsVerb {
  stats(key: string, options: { signal: AbortSignal }): Promise<DeviceStats>;
}

const words: VerbWords = {
  name: "stats",
  code: "STATS",
  unsupported: "STATS_UNSUPPORTED",
  can: "tell what it uses",
  did: "tell what it uses",
};

type StatsPage = ReturnType<typeof commands.stats.decodeResult>;

/** Asks over the sessions of devices. */
export class SessionStats implements StatsVerb {
  readonly #calls: DeviceCalls;
  readonly #clock: Clock;

  constructor(calls: DeviceCalls, clock: Clock) {
    this.#calls = calls;
    this.#clock = clock;
  }

  stats(key: string, { signal }: { signal: AbortSignal }): Promise<DeviceStats> {
    return this.#calls.counted(words, async () => {
      const device = await this.#calls.ready(key, commands.stats, words, signal);
      const pages = await readPages(async (from) => {
        const page = await this.#calls.ask(device, commands.stats, { from }, { words, signal });
        return { total: page.total, items: page.tasks, page };
      });
      // The newest page is nearest to now; a list is read to its end all the same.
      return statsOf(this.#clock.wallMs(), pages.last.device, pages.items);
    });
  }
}

function statsOf(atMs: number, device: StatsPage["device"], tasks: StatsPage["tasks"]): DeviceStats {
  const known = <K extends string>(key: K, value: number | undefined) =>
    (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: number };
  return {
    atMs,
    ...known("cpuMs", device.cpu && msOf(device.cpu)),
    ...known("heapTotalBytes", device.heapTotal),
    ...known("heapFreeBytes", device.heapFree),
    ...known("filesTotalBytes", device.filesTotal),
    ...known("filesFreeBytes", device.filesFree),
    tasks: tasks.map(({ stackFree }) => known("stackFreeBytes", stackFree ?? undefined)),
  };
}

const msOf = ({ s, ms }: { readonly s: number; readonly ms: number }) => s * 1000 + ms;
