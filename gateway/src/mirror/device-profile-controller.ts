import type { Work } from "../foundation/workqueue.ts";
import type { Device } from "../resources/device.ts";
import { profileFinding, profileFindingType } from "../resources/device-profile.ts";
import type { MirrorContext } from "./context.ts";

/** Tells in a Device's status whether its DeviceProfile is there; what it gives the Node is the node controller's. */
export class DeviceProfileController {
  readonly #context: Pick<MirrorContext, "devices" | "profiles" | "findings">;
  readonly #work: Work;

  constructor(context: Pick<MirrorContext, "queue" | "devices" | "profiles" | "findings">) {
    this.#context = context;
    this.#work = context.queue.register("device-profile", "low", (key) => this.#reconcile(key));
    context.devices.changes.subscribe((key) => this.#work.add(key));
    context.profiles.changes.subscribe((name) => {
      for (const device of context.devices.list())
        if (device.spec?.profile === name) this.#work.add(keyOf(device));
    });
  }

  async #reconcile(key: string): Promise<undefined> {
    const { devices, profiles, findings } = this.#context;
    const device = devices.get(key);
    const finding = device && profileFinding(device, profiles.get(device.spec?.profile ?? ""));
    if (finding) findings.set(key, finding);
    else findings.unset(key, profileFindingType);
    return undefined;
  }
}

function keyOf({ metadata }: Device): string {
  return `${metadata.namespace}/${metadata.name}`;
}
