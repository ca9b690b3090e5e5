import { raceAbort } from "../../foundation/abort.ts";
import type { Clock } from "../../foundation/clock.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { Semaphore } from "../../foundation/semaphore.ts";
import type { Registry } from "../registry.ts";
import type { StatsVerb } from "../verbs/stats.ts";
import { newlySampled, remember, type Sampled, statsOf, type Usage, usageOf } from "./usage-figures.ts";

export type { Usage } from "./usage-figures.ts";

export interface UsageReader {
  /**
   * The newest figures of a device. Asks the device if they are too old and it supports `stats`.
   * @returns undefined if the device is offline or has reported nothing yet. Never throws: if a device does not answer
   * in time, the figures are those of its beats.
   */
  read(key: string, signal: AbortSignal): Promise<Usage | undefined>;
}

export interface UsageSamplesOptions {
  readonly registry: Registry;
  readonly stats: StatsVerb;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Devices that are asked at the same time; default 32. */
  readonly maxAsking?: number;
  /** Devices that may wait for their turn; default 4,096. */
  readonly maxWaiting?: number;
}

/** Age of figures after which a device is asked again. Milliseconds. */
export const askEveryMs = 10_000;
/** How long a reader waits for a device's answer. Below metrics-server's 10 s. */
export const answerWithinMs = 3_000;
/** A percentage holds for no longer than this, whatever lies between two beats. */
const longestBeatMs = 60_000;

/**
 * Samples of resource use: from each beat, and from the stats command while somebody reads. They are kept in memory
 * only and never reach the API server.
 */
export class UsageSamples implements UsageReader, Disposable {
  readonly #options: UsageSamplesOptions;
  readonly #devices = new Map<string, Sampled>();
  readonly #semaphore: Semaphore;
  readonly #asked;
  #unsubscribe: (() => void) | undefined;

  constructor(options: UsageSamplesOptions) {
    const { maxAsking = 32, maxWaiting = 4_096 } = options;
    this.#options = options;
    this.#semaphore = new Semaphore({ places: maxAsking, waiting: maxWaiting });
    this.#asked = options.metrics.counter(
      "motelet_usage_samples_total",
      "Requests to devices for their resource use, by result.",
      ["result"],
    );
  }

  start(): void {
    this.#unsubscribe = this.#options.registry.follow((key) => this.#follow(key));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.#devices.clear();
  }

  async read(key: string, signal: AbortSignal): Promise<Usage | undefined> {
    const facts = this.#options.registry.get(key);
    const sampled = this.#devices.get(key);
    if (!facts || !sampled || facts.phase === "Offline" || facts.phase === "Pending") return undefined;
    if (facts.phase === "Online" && facts.capabilities.includes("stats")) {
      const nowMs = this.#options.clock.monotonicMs();
      const due = sampled.askedAtMs === undefined || nowMs - sampled.askedAtMs >= askEveryMs;
      if (due && !sampled.asking) {
        sampled.askedAtMs = nowMs;
        sampled.asking = this.#ask(key, sampled).finally(() => {
          sampled.asking = undefined;
        });
      }
      if (sampled.asking) await this.#withinTime(sampled.asking, signal);
    }
    const now = this.#options.registry.get(key);
    return now && this.#devices.get(key) === sampled ? usageOf(now, sampled) : undefined;
  }

  /** Counts a beat when it comes, and forgets who has gone. */
  #follow(key: string): void {
    const facts = this.#options.registry.get(key);
    if (!facts) {
      this.#devices.delete(key);
      return;
    }
    let sampled = this.#devices.get(key);
    if (sampled?.uid !== facts.spec.uid) {
      sampled = newlySampled(facts.spec.uid);
      this.#devices.set(key, sampled);
    }
    sampled.cpu.begin(facts.boot);
    const { sample } = facts;
    if (!sample || sample.atMs === sampled.beatAtMs) return;
    // A beat's percentage is of the time since the beat before; of the first nobody knows since when.
    if (sample.cpuPercent !== undefined && sampled.beatAtMs !== undefined)
      sampled.cpu.integrate(sample.cpuPercent, Math.min(sample.atMs - sampled.beatAtMs, longestBeatMs));
    sampled.beatAtMs = sample.atMs;
    if (sample.cpuPercent !== undefined && !statsOf(facts, sampled)) remember(sampled, sample.atMs);
  }

  async #ask(key: string, sampled: Sampled): Promise<void> {
    const { registry, stats } = this.#options;
    const turn = this.#semaphore.acquire();
    if (turn === "refused") {
      this.#asked.inc({ result: "busy" });
      return;
    }
    if (turn) await turn;
    try {
      const boot = registry.get(key)?.boot;
      const told = await stats.stats(key, { signal: AbortSignal.timeout(answerWithinMs) });
      // An answer of the boot before says nothing of this one.
      if (registry.get(key)?.boot !== boot) return;
      sampled.stats = { boot, told };
      if (told.cpuMs !== undefined) {
        sampled.cpu.tell(told.cpuMs);
        remember(sampled, told.atMs);
      }
      this.#asked.inc({ result: "told" });
    } catch {
      // Its beats speak for it; why it failed is the verb's to log.
      this.#asked.inc({ result: "failed" });
    } finally {
      this.#semaphore.release();
    }
  }

  async #withinTime(asking: Promise<void>, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(answerWithinMs, resolve);
    await raceAbort(Promise.race([asking, promise]), signal);
    timer.cancel();
  }
}
