import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../foundation/clock.ts";
import { MoteletError } from "../foundation/errors.ts";
import { type DeviceFacts, missingPeripherals } from "./device.ts";
import type { Registry } from "./registry.ts";

/** How often the firmware is asked again while it lacks a peripheral of the profile or has not answered. Milliseconds. */
export const peripheralAgainMs = 60_000;
/** A device that has not answered by then is asked next time. */
const answerWithinMs = 30_000;

export interface PeripheralWatchOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Names of the peripherals of a device's firmware. @throws MoteletError */
  readonly ask: (key: string, signal: AbortSignal) => Promise<readonly string[]>;
}

interface Look {
  readonly boot: number | undefined;
  readonly uid: string;
  timer?: Timer;
}

/**
 * Asks which peripherals the firmware of a device has, if its profile names some: once per boot, and again while one is
 * missing. Holds at most one request and one timer for each online device.
 */
export class PeripheralWatch implements Disposable {
  readonly #options: PeripheralWatchOptions;
  readonly #stop = new AbortController();
  readonly #looks = new Map<string, Look>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: PeripheralWatchOptions) {
    this.#options = options;
  }

  start(): void {
    const { registry } = this.#options;
    this.#unsubscribe = registry.follow((key) => this.#follow(key));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.#stop.abort();
    for (const key of this.#looks.keys()) this.#forget(key);
  }

  #follow(key: string): void {
    const facts = this.#options.registry.get(key);
    const look = this.#looks.get(key);
    if (!facts || !isWanted(facts)) {
      this.#forget(key);
    } else if (!look || look.boot !== facts.boot || look.uid !== facts.spec.uid) {
      this.#forget(key);
      this.#begin(key, facts);
    } else if (!look.timer && missingPeripherals(facts).length > 0) {
      // The profile has come to name what this boot is known to lack.
      this.#expect(key, look);
    }
  }

  #begin(key: string, { boot, spec }: DeviceFacts): void {
    const look: Look = { boot, uid: spec.uid };
    this.#looks.set(key, look);
    void this.#look(key, look);
  }

  async #look(key: string, look: Look): Promise<void> {
    const names = await this.#ask(key);
    // It went away meanwhile, or reconnected.
    if (this.#looks.get(key) !== look) return;
    const { registry } = this.#options;
    if (names && !isDeepStrictEqual(registry.get(key)?.peripherals, names))
      registry.learn(key, { peripherals: names });
    const facts = registry.get(key);
    if (this.#looks.get(key) !== look || !facts) return;
    if (!names || missingPeripherals(facts).length > 0) this.#expect(key, look);
  }

  #expect(key: string, look: Look): void {
    look.timer?.cancel();
    look.timer = this.#options.clock.after(peripheralAgainMs, () => {
      delete look.timer;
      void this.#look(key, look);
    });
  }

  /** @returns undefined if the device does not report them; the verb counts the reason */
  async #ask(key: string): Promise<readonly string[] | undefined> {
    const { registry, ask } = this.#options;
    if (!registry.get(key)?.capabilities.includes("peripherals")) return [];
    try {
      return await ask(key, AbortSignal.any([this.#stop.signal, AbortSignal.timeout(answerWithinMs)]));
    } catch (error) {
      if (!(error instanceof MoteletError)) throw error;
      return undefined;
    }
  }

  #forget(key: string): void {
    this.#looks.get(key)?.timer?.cancel();
    this.#looks.delete(key);
  }
}

function isWanted({ phase, link, spec }: DeviceFacts): boolean {
  // A device that was restored as Online has no link yet, and holds what it is known to have.
  return phase === "Online" && link !== undefined && (spec.peripherals?.length ?? 0) > 0;
}
