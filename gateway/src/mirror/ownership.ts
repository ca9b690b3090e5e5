import type { DeviceFacts } from "../devices/device.ts";
import type { Namespaces } from "../kubeapi/namespaced-informer.ts";
import { deviceUidAnnotation, namespaceLabel } from "../resources/labels.ts";
import { type Node, providerId } from "../resources/node.ts";

/**
 * Whose a Node is, seen from a device: `ours` carries the device's UID; `adoptable` was made for an earlier Device of
 * this very name that is gone; everything else is foreign and never touched.
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

/** Whether this gateway keeps the Node: made by motelet, for a namespace that the gateway serves. */
export function isServedNode(node: Node, namespaces: Namespaces): boolean {
  if (node.metadata.annotations?.[deviceUidAnnotation] === undefined) return false;
  const namespace = node.metadata.labels?.[namespaceLabel];
  return namespace !== undefined && (namespaces === "all" || namespaces.includes(namespace));
}
