import { ChangeFeed } from "../foundation/change-feed.ts";
import { type DeviceFacts, type DeviceSpec, deviceKey } from "./device.ts";

/**
 * Facts that an earlier process stored about a device. They are valid until the device reports others or stays silent.
 */
export type RestoredFacts = Pick<DeviceFacts, "phase"> &
  Partial<
    Pick<
      DeviceFacts,
      | "asleepUntilMs"
      | "identityGeneration"
      | "lastSeenMs"
      | "boot"
      | "restarts"
      | "hardware"
      | "firmware"
      | "capabilities"
      | "peripherals"
    >
  >;

/**
 * All devices that the gateway serves, by `<namespace>/<name>`. Facts are kept only here; each change replaces the
 * snapshot, and its key is published on `changes` (also for deletions).
 */
export class Registry {
  readonly changes = new ChangeFeed<string>();
  readonly #devices = new Map<string, DeviceFacts>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get(key: string): DeviceFacts | undefined {
    return this.#devices.get(key);
  }

  list(): readonly DeviceFacts[] {
    return [...this.#devices.values()];
  }

  /**
   * Calls back with the key of each existing device, and then of each device that changes.
   * @returns a function that ends the subscription
   */
  follow(callback: (key: string) => void): () => void {
    const end = this.changes.subscribe(callback);
    for (const key of [...this.#devices.keys()]) callback(key);
    return end;
  }

  /**
   * Admits a device's desired state. A new device (or a recreated one, with another UID) starts with the restored
   * facts, or as Pending without them; a known one keeps its facts. A device restored as Online has no session yet:
   * liveness gives it time to return.
   */
  admit(spec: DeviceSpec, restored?: RestoredFacts): DeviceFacts {
    const key = deviceKey(spec.namespace, spec.name);
    const known = this.#devices.get(key);
    const facts: DeviceFacts =
      known && known.spec.uid === spec.uid
        ? { ...known, spec }
        : {
            key,
            spec,
            phase: "Pending",
            phaseSinceMs: this.#nowMs(),
            hardware: {},
            capabilities: [],
            ...restored,
          };
    this.#devices.set(key, facts);
    this.changes.publish(key);
    return facts;
  }

  /**
   * Merges newly learnt facts. Ignores a key that is not served. A changed phase stamps `phaseSinceMs`. A different
   * boot number counts as a restart, except while two boards use the identity. Boots that the gateway did not see are
   * not counted, because boot numbers may be random.
   */
  learn(key: string, learnt: Partial<Omit<DeviceFacts, "key" | "spec" | "phaseSinceMs" | "restarts">>): void {
    const known = this.#devices.get(key);
    if (!known) return;
    // Of two boards that take turns each shows another boot, and none of them has booted.
    const rebooted =
      known.boot !== undefined &&
      learnt.boot !== undefined &&
      learnt.boot !== known.boot &&
      known.duplicate === undefined;
    const phaseChanged = learnt.phase !== undefined && learnt.phase !== known.phase;
    this.#devices.set(key, {
      ...known,
      ...learnt,
      ...(rebooted ? { restarts: (known.restarts ?? 0) + 1 } : {}),
      ...(phaseChanged ? { phaseSinceMs: this.#nowMs() } : {}),
    });
    this.changes.publish(key);
  }

  remove(key: string): void {
    if (this.#devices.delete(key)) this.changes.publish(key);
  }
}
