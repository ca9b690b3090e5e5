import type { DeviceFacts } from "../devices/device.ts";
import { buildVirtualPod, type Pod } from "../resources/virtual-pod.ts";
import type { PlainHandler } from "./handlers.ts";
import { json } from "./http-reply.ts";
import { clusterPod } from "./pod-lookup.ts";

/**
 * `/pods` and `/runningpods`: the Pod of the listener's Node. Where all Nodes share the listener the path names none and
 * the list is empty: any other would be taken for each Node's own.
 */
export const answerPods: PlainHandler = (call, serving) => {
  if (call.nodeName === undefined) return json(buildPodList(undefined, undefined));
  const facts = serving.nodes.expect(call.nodeName);
  return json(buildPodList(facts, clusterPod(serving, facts)));
};

/**
 * A v1.PodList.
 * @param pod as the cluster has it; absent: the Pod that is about to be made
 */
export function buildPodList(facts: DeviceFacts | undefined, pod: Pod | undefined): object {
  const items = facts ? [pod ?? { ...buildVirtualPod(facts), status: { phase: "Running" } }] : [];
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}
