import type { EventSubject, EventText } from "../kubeapi/event-recorder.ts";
import { type ConditionCore, mergeConditions } from "./conditions.ts";
import { deviceLabel } from "./labels.ts";
import type { Pod, PodStatus } from "./virtual-pod.ts";

/*
 * Pods of others that reached a mote's Node: bound by hand, or by a controller that tolerates our taint. They stay Pending.
 * Failed would make their controllers replace them indefinitely (202 Pods of one Deployment in 30 s were seen).
 */

/** Selects Pods that are bound and have not started: a few in any cluster, including those on motes. */
export const foreignPodSelectors = {
  fieldSelector: "spec.nodeName!=,status.phase=Pending",
  labelSelector: `!${deviceLabel}`,
} as const;

const reason = "Unsupported";
const message = "this Node is a microcontroller: it runs its firmware and no containers";

/**
 * The desired status of such a Pod: Pending, with the reason. Identical to the current one if nothing has to be
 * written.
 */
export function foreignPodStatus(pod: Pod, nowMs: number): PodStatus {
  const current = pod.status ?? {};
  return {
    ...current,
    phase: "Pending",
    reason,
    message,
    conditions: mergeConditions<ConditionCore>(
      current.conditions ?? [],
      [{ type: "Ready", status: "False", reason, message }],
      (condition) => ({ ...condition }),
      { nowMs },
    ),
  };
}

/** The Event about such a Pod, on the object whose owner can correct it. */
export function foreignPodEvent(pod: Pod): { readonly subject: EventSubject; readonly text: EventText } {
  const { namespace = "", name, uid = "" } = pod.metadata;
  const daemonSet = pod.metadata.ownerReferences?.find(({ kind }) => kind === "DaemonSet");
  if (daemonSet) {
    const { apiVersion, kind } = daemonSet;
    return {
      subject: { apiVersion, kind, namespace, name: daemonSet.name, uid: daemonSet.uid },
      text: {
        type: "Warning",
        reason: "ReachesMotes",
        message: `${tolerance(pod)}, so that its Pods reach microcontrollers, which run no containers, and its updates wait for them: add the nodeSelector kubernetes.io/os: linux to its Pod template`,
      },
    };
  }
  return {
    subject: { apiVersion: "v1", kind: "Pod", namespace, name, uid },
    text: {
      type: "Warning",
      reason,
      message: `${message}; leave out its toleration of motelet.dev/mote, or add the nodeSelector kubernetes.io/os: linux`,
    },
  };
}

function tolerance(pod: Pod): string {
  const everything = pod.spec.tolerations?.some(({ key, operator }) => !key && operator === "Exists");
  return everything ? "the DaemonSet tolerates every taint" : "the DaemonSet tolerates motelet.dev/mote";
}
