import type { Work } from "../foundation/workqueue.ts";
import { objectKey } from "../kubeapi/objects.ts";
import { profileCondition, profileConditionType } from "../resources/device-profile.ts";
import type { MirrorContext } from "./context.ts";

/** Reports in a Device's status whether its DeviceProfile exists; the node controller applies the profile to the Node. */
export class DeviceProfileController {
  readonly #context: Pick<MirrorContext, "devices" | "profiles" | "conditions">;
  readonly #work: Work;

  constructor(context: Pick<MirrorContext, "queue" | "devices" | "profiles" | "conditions">) {
    this.#context = context;
    this.#work = context.queue.register("device-profile", "low", (key) => this.#reconcile(key));
    context.devices.changes.subscribe((key) => this.#work.add(key));
    followProfiles(context, (key) => this.#work.add(key));
  }

  async #reconcile(key: string): Promise<undefined> {
    const { devices, profiles, conditions } = this.#context;
    const device = devices.get(key);
    const condition = device && profileCondition(device, profiles.get(device.spec?.profile ?? ""));
    if (condition) conditions.set(key, condition);
    else conditions.unset(key, profileConditionType);
    return undefined;
  }
}

/** Calls back with the key of each Device whose DeviceProfile changes. */
export function followProfiles(
  { profiles, devices }: Pick<MirrorContext, "profiles" | "devices">,
  callback: (key: string) => void,
): void {
  profiles.changes.subscribe((name) => {
    for (const device of devices.list()) if (device.spec?.profile === name) callback(objectKey(device));
  });
}
