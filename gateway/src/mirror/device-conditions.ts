import { ChangeFeed } from "../foundation/change-feed.ts";
import type { WantedCondition } from "../resources/conditions.ts";

/** DeviceConditions of the reconcilers about a device that a person should read in its status: by device and condition type. */
export class DeviceConditions {
  readonly changes = new ChangeFeed<string>();
  readonly #byDevice = new Map<string, Map<string, WantedCondition>>();

  of(key: string): readonly WantedCondition[] {
    const found = [...(this.#byDevice.get(key)?.values() ?? [])];
    return found.sort((a, b) => (a.type < b.type ? -1 : 1));
  }

  /** @returns whether the condition has changed */
  set(key: string, condition: WantedCondition): boolean {
    const known = this.#byDevice.get(key) ?? new Map<string, WantedCondition>();
    const before = known.get(condition.type);
    if (before && before.reason === condition.reason && before.message === condition.message) return false;
    known.set(condition.type, condition);
    this.#byDevice.set(key, known);
    this.changes.publish(key);
    return true;
  }

  /** The condition no longer applies and need not be reported. */
  unset(key: string, type: string): void {
    if (this.#byDevice.get(key)?.delete(type)) this.changes.publish(key);
  }

  /** Forgets a removed device. */
  clear(key: string): void {
    this.#byDevice.delete(key);
  }
}
