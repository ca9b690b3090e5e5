import type { DeviceFacts } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";

/**
 * Facts that move while a device only lives. Their meaning for a Node is in `conditionFigures`; any other
 * fact, also one that comes to be after this was written, counts as shown.
 */
const restless: ReadonlySet<string> = new Set<keyof DeviceFacts>([
  "lastSeenMs",
  "sample",
  "probe",
  "refusal",
]);

/** Distinguishes changes that an object of the cluster shows from those that it does not: beats alone cause no work. */
export class ShownFacts {
  readonly #registry: Pick<Registry, "get">;
  readonly #figures: (facts: DeviceFacts) => string;
  /** The registry's own snapshots, or earlier ones; bounded by the number of devices. */
  readonly #seen = new Map<string, DeviceFacts>();

  /**
   * @param figures the part of the frequently changing facts that the object shows, as a text: if the text is the same,
   * the object is
   */
  constructor(registry: Pick<Registry, "get">, figures: (facts: DeviceFacts) => string = () => "") {
    this.#registry = registry;
    this.#figures = figures;
  }

  /**
   * Whether a shown fact has changed since the last call for this key. True for the first call, and for a removed
   * device.
   */
  changed(key: string): boolean {
    const before = this.#seen.get(key);
    const now = this.#registry.get(key);
    if (now) this.#seen.set(key, now);
    else this.#seen.delete(key);
    if (!now || !before) return true;
    if (now === before) return false;
    return differ(before, now) || this.#figures(before) !== this.#figures(now);
  }
}

/** Snapshots share what has not changed, so that comparing references is enough. */
function differ(before: DeviceFacts, now: DeviceFacts): boolean {
  const names = new Set([...Object.keys(before), ...Object.keys(now)]) as Set<keyof DeviceFacts>;
  for (const name of names) if (!restless.has(name) && before[name] !== now[name]) return true;
  return false;
}
