import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../foundation/clock.ts";
import { MoteletError } from "../foundation/errors.ts";
import type { DeviceProbe } from "./device.ts";
import type { Registry } from "./registry.ts";
import type { DeviceStats, StatsVerb } from "./verbs/stats.ts";

/**
 * The first check after a device connects, spread so that a fleet does not answer at once, and then one every hour.
 * Milliseconds.
 */
export const probeTimes = {
  firstMs: 3_000,
  firstSpreadMs: 30_000,
  everyMs: 3_600_000,
  /** A firmware on probation is confirmed or rolled back within minutes, so it is checked more often. */
  onProbationMs: 60_000,
} as const;
/** A device that has not answered by then is looked at next time. */
const answerWithinMs = 30_000;

export interface DeviceProbesOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** How far a device's clock is ahead, milliseconds. */
  readonly clockSkew: (key: string, signal: AbortSignal) => Promise<number>;
  readonly stats: StatsVerb;
  /** Asks for the device's info, including the state of its firmware. */
  readonly fetchInfo: (key: string) => Promise<void>;
  readonly random?: () => number;
}

/**
 * Checks rarely what devices do not report by themselves: their clock, the stacks of their tasks, and the state of a
 * firmware on probation. Holds a timer for each online device.
 */
export class DeviceProbes implements Disposable {
  readonly #options: DeviceProbesOptions;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  readonly #waits = new Map<string, { readonly boot: number | undefined; readonly timer: Timer }>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: DeviceProbesOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  start(): void {
    this.#unsubscribe = this.#options.registry.follow((key) => this.#follow(key));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.#stop.abort();
    for (const { timer } of this.#waits.values()) timer.cancel();
    this.#waits.clear();
  }

  /** Records figures that the device reported to another caller. */
  told(key: string, stats: DeviceStats): void {
    const free = stats.tasks.flatMap(({ stackFreeBytes }) =>
      stackFreeBytes === undefined ? [] : [stackFreeBytes],
    );
    this.#learn(key, {
      ...(free.length > 0 ? { minStackFreeBytes: Math.min(...free) } : {}),
      ...(stats.filesTotalBytes === undefined ? {} : { filesTotalBytes: stats.filesTotalBytes }),
      ...(stats.filesFreeBytes === undefined ? {} : { filesFreeBytes: stats.filesFreeBytes }),
    });
  }

  #follow(key: string): void {
    const facts = this.#options.registry.get(key);
    const wait = this.#waits.get(key);
    if (facts?.phase !== "Online") {
      wait?.timer.cancel();
      this.#waits.delete(key);
    } else if (!wait || wait.boot !== facts.boot) {
      wait?.timer.cancel();
      const { firstMs, firstSpreadMs } = probeTimes;
      this.#expect(key, facts.boot, firstMs + firstSpreadMs * this.#random());
    }
  }

  #expect(key: string, boot: number | undefined, afterMs: number): void {
    const timer = this.#options.clock.after(afterMs, () => void this.#lookAndExpect(key, boot, timer));
    this.#waits.set(key, { boot, timer });
  }

  async #lookAndExpect(key: string, boot: number | undefined, timer: Timer): Promise<void> {
    await this.#look(key);
    // It went away meanwhile, or reconnected.
    if (this.#waits.get(key)?.timer !== timer) return;
    const { everyMs, onProbationMs } = probeTimes;
    this.#expect(key, boot, this.#onProbation(key) ? onProbationMs : everyMs * (0.9 + 0.2 * this.#random()));
  }

  async #look(key: string): Promise<void> {
    const { registry, clockSkew, stats, fetchInfo } = this.#options;
    const capabilities = registry.get(key)?.capabilities ?? [];
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(answerWithinMs)]);
    await quietly(async () => {
      if (capabilities.includes("time")) this.#learn(key, { clockSkewMs: await clockSkew(key, signal) });
    });
    await quietly(async () => {
      if (capabilities.includes("stats")) this.told(key, await stats.stats(key, { signal }));
    });
    if (this.#onProbation(key)) await fetchInfo(key);
  }

  #onProbation(key: string): boolean {
    return this.#options.registry.get(key)?.firmware?.state === "probation";
  }

  #learn(key: string, found: DeviceProbe): void {
    const before = this.#options.registry.get(key)?.probe;
    const probe = { ...before, ...found };
    if (!isDeepStrictEqual(before ?? {}, probe)) this.#options.registry.learn(key, { probe });
  }
}

/** What a device does not tell stays unknown; the verbs count why. */
async function quietly(ask: () => Promise<void>): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof MoteletError)) throw error;
  }
}
