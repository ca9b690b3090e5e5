import type { DeviceFacts } from "../devices/device.ts";
import { RequestError } from "../foundation/errors.ts";
import type { PodTarget } from "../resources/virtual-pod.ts";

/** The Node whose rights a request needs; "" where no pod is named or it is unknown: the right on every Node. */
export function nodeOfTarget(target: PodTarget): string {
  return target.kind === "no-pod" ? "" : target.nodeName;
}

/**
 * The device behind a request's pod and container.
 * @throws RequestError with the kubelet's words
 */
export function expectDevice(target: PodTarget, pod: string, container: string): DeviceFacts {
  switch (target.kind) {
    case "no-pod":
      throw new RequestError("POD_NOT_FOUND", `pod ${JSON.stringify(pod)} does not exist`);
    case "no-container":
      throw new RequestError(
        "CONTAINER_NOT_FOUND",
        `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(pod)}`,
      );
    case "device":
      return target.facts;
    default:
      return target satisfies never;
  }
}
