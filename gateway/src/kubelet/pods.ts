import type { DeviceFacts } from "../devices/device.ts";
import { buildVirtualPod, type Pod } from "../resources/virtual-pod.ts";
import type { PlainHandler } from "./handlers.ts";
import { json } from "./http-reply.ts";
import { clusterPod } from "./pod-lookup.ts";

/**
 * `/pods` and `/runningpods`: the Pod of the listener's Node. On the shared listener the path names no Node, and the
 * list is empty: clients would take any Pod in it for one of each Node.
 */
export const answerPods: PlainHandler = (call, serving) => {
  if (call.nodeName === undefined) return json(buildPodList(undefined, undefined));
  const facts = serving.nodes.expect(call.nodeName);
  return json(buildPodList(facts, clusterPod(serving, facts)));
};

/**
 * Builds a v1.PodList.
 * @param pod the Pod in the cluster; absent: the Pod that the mirror is about to create
 */
export function buildPodList(facts: DeviceFacts | undefined, pod: Pod | undefined): object {
  const items = facts ? [pod ?? { ...buildVirtualPod(facts), status: { phase: "Running" } }] : [];
  return { kind: "PodList", apiVersion: "v1", metadata: {}, items };
}
