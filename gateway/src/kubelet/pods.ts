import type { DeviceFacts } from "../devices/device.ts";
import { buildVirtualPod } from "../resources/virtual-pod.ts";
import { json } from "./answers.ts";
import type { PlainHandler } from "./handlers.ts";

/**
 * `/pods` and `/runningpods`: the Pod of the listener's Node. Where all Nodes share the listener the path names none and
 * the list is empty: any other would be taken for each Node's own.
 */
export const answerPods: PlainHandler = (call, { nodes }) =>
  json(buildPodList(call.nodeName === undefined ? undefined : nodes.expect(call.nodeName)));

/** A v1.PodList. */
export function buildPodList(facts: DeviceFacts | undefined): object {
  const pods = facts ? [{ ...buildVirtualPod(facts), status: { phase: "Running" } }] : [];
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items: pods };
}
