import type { DeviceFacts } from "../devices/device.ts";
import type { Namespaces } from "../kubeapi/namespaced-informer.ts";
import { deviceUidAnnotation, namespaceLabel } from "../resources/labels.ts";
import { type Node, providerId } from "../resources/node.ts";

/**
 * The owner of a Node, seen from a device. `ours`: it has the device's UID. `adoptable`: it was made for an earlier,
 * deleted Device of the same name. All others are foreign and never touched.
 */
export type NodeOwnership = "ours" | "adoptable" | "foreign";

/** @param isLive whether a Device with this UID exists */
export function nodeOwnership(
  node: Node,
  facts: Pick<DeviceFacts, "spec">,
  isLive: (uid: string) => boolean,
): NodeOwnership {
  const { uid, namespace, name } = facts.spec;
  const owner = node.metadata.annotations?.[deviceUidAnnotation];
  if (owner === uid) return "ours";
  const sameProvider = node.spec?.providerID === providerId(namespace, name);
  return owner !== undefined && sameProvider && !isLive(owner) ? "adoptable" : "foreign";
}

/** Whether this gateway manages the Node: created by motelet, for a namespace that the gateway serves. */
export function isServedNode(node: Node, namespaces: Namespaces): boolean {
  if (node.metadata.annotations?.[deviceUidAnnotation] === undefined) return false;
  const namespace = node.metadata.labels?.[namespaceLabel];
  return namespace !== undefined && (namespaces === "all" || namespaces.includes(namespace));
}
