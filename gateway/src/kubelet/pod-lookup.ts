import { type DeviceFacts, deviceKey } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";
import { RequestError } from "../foundation/errors.ts";

/** The container of a virtual pod that stands for the device itself. */
export const deviceContainer = "device";

/** Finds the device behind a virtual pod: it has the pod's name and namespace. */
export function findPod(registry: Registry, namespace: string, pod: string): DeviceFacts | undefined {
  return registry.get(deviceKey(namespace, pod));
}

/** @throws RequestError with the kubelet's words */
export function expectPod(facts: DeviceFacts | undefined, pod: string): DeviceFacts {
  if (!facts) throw new RequestError("POD_NOT_FOUND", `pod ${JSON.stringify(pod)} does not exist`);
  return facts;
}

/** @throws RequestError with the kubelet's words */
export function expectContainer(pod: string, container: string): void {
  if (container !== deviceContainer)
    throw new RequestError(
      "CONTAINER_NOT_FOUND",
      `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(pod)}`,
    );
}
