import type { V1ContainerStatus, V1PodSpec, V1PodStatus } from "@kubernetes/client-node";
import { type DeviceFacts, deviceKey, missingPeripherals } from "../devices/device.ts";
import { resetCauseOf } from "../devices/reset-cause.ts";
import type { KubeObject, Wire } from "../kubeapi/objects.ts";
import { carrierNamed } from "../transport/carriers.ts";
import { type ConditionCore, mergeConditions, timestamp, type WantedCondition } from "./conditions.ts";
import { firmwareImage } from "./firmware.ts";
import { apiVersion, deviceContainer, deviceLabel, managedByLabel } from "./labels.ts";
import { asleepMessage, pausedMessage } from "./node-conditions.ts";

export type PodStatus = Wire<V1PodStatus>;
type ContainerStatus = Wire<V1ContainerStatus>;

export interface Pod extends KubeObject {
  readonly spec: Wire<V1PodSpec>;
  readonly status?: PodStatus;
}

export { deviceContainer } from "./labels.ts";

export function podPath(namespace: string, name: string): string {
  return `/api/v1/namespaces/${namespace}/pods/${name}`;
}

/** Whom kubectl means where no container is named; without it, it says on each command which one it took. */
const defaultContainer = { "kubectl.kubernetes.io/default-container": deviceContainer } as const;

/**
 * The Pod that represents a device. It is bound to its Node from the start, tolerates all taints without a time limit
 * (otherwise it would be evicted after 300 s offline), and meets the `restricted` Pod Security level. It has one
 * container for the device, and one for each peripheral; all have the same firmware image. kubectl attaches a terminal
 * only if the container declares one, so those of a device with a console do.
 */
export function buildVirtualPod(facts: DeviceFacts): Pod {
  const { namespace, name, uid, nodeName } = facts.spec;
  const spec = {
    nodeName,
    containers: containerNames(facts).map((container) => ({
      name: container,
      image: firmwareImage(facts.firmware),
      imagePullPolicy: "IfNotPresent",
      ...(hasConsole(facts) ? { stdin: true, tty: true } : {}),
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
    })),
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    tolerations: [{ operator: "Exists" }],
    restartPolicy: "Always",
    // No kubelet has to confirm its end: it goes while no gateway runs, too.
    terminationGracePeriodSeconds: 0,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
  };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: {
        [deviceLabel]: name,
        [managedByLabel]: "motelet",
        "sidecar.istio.io/inject": "false",
        "kuma.io/sidecar-injection": "disabled",
      },
      annotations: {
        ...defaultContainer,
        "linkerd.io/inject": "disabled",
        "vault.hashicorp.com/agent-inject": "false",
      },
      ownerReferences: [{ apiVersion, kind: "Device", name, uid, controller: true }],
    },
    spec,
  };
}

function containerNames({ spec }: Pick<DeviceFacts, "spec">): readonly string[] {
  return [deviceContainer, ...(spec.peripherals ?? [])];
}

/** Whether there is something to attach to: the firmware's console, or that of the carrier, whatever the firmware. */
function hasConsole({ capabilities, spec }: Pick<DeviceFacts, "capabilities" | "spec">): boolean {
  return (
    capabilities.includes("console") ||
    (spec.links ?? []).some(({ carrier }) => carrierNamed(carrier)?.hasConsole)
  );
}

/** Whether this very Device owns the Pod. */
export function ownsPod(facts: Pick<DeviceFacts, "spec">, pod: Pod): boolean {
  return (pod.metadata.ownerReferences ?? []).some(
    ({ kind, uid }) => kind === "Device" && uid === facts.spec.uid,
  );
}

/** Whether motelet made the Pod for a Device of this name, perhaps an earlier one. */
export function isVirtualPod(pod: Pod): boolean {
  return (pod.metadata.ownerReferences ?? []).some(
    (owner) => owner.kind === "Device" && owner.apiVersion === apiVersion && owner.name === pod.metadata.name,
  );
}

/**
 * Whether the Pod must be replaced to reach the desired one: other containers, a console that was added or removed,
 * another Node, or a Pod that has ended.
 */
export function mustReplacePod(pod: Pod, facts: DeviceFacts): boolean {
  const wanted = buildVirtualPod(facts);
  const fixed = ({ spec }: Pod) =>
    spec.containers.map(({ name, stdin = false, tty = false }) => `${name} ${stdin} ${tty}`).join();
  const over = pod.status?.phase === "Failed" || pod.status?.phase === "Succeeded";
  return (
    over || !ownsPod(facts, pod) || pod.spec.nodeName !== wanted.spec.nodeName || fixed(pod) !== fixed(wanted)
  );
}

/**
 * The Pod with the desired values of its mutable fields: the images of the running firmware, and the annotation of its
 * default container, unless somebody changed that.
 */
export function desiredVirtualPod(pod: Pod, facts: DeviceFacts): Pod {
  const image = firmwareImage(facts.firmware);
  const ours = containerNames(facts);
  const containers = pod.spec.containers.map((container) =>
    ours.includes(container.name) ? { ...container, image } : container,
  );
  const { annotations } = pod.metadata;
  return {
    ...pod,
    metadata: { ...pod.metadata, annotations: { ...defaultContainer, ...annotations } },
    spec: { ...pod.spec, containers },
  };
}

/**
 * The desired status of the Pod: Running while the device is known, Ready while it is online. Only the device's
 * container has restarts, because kubectl shows the sum of all, and peripherals do not boot separately. Identical to
 * the current one if nothing has to be written.
 */
export function virtualPodStatus(
  pod: Pod,
  facts: DeviceFacts,
  endpoint: { readonly address: string },
  nowMs: number,
): PodStatus {
  const current = pod.status ?? {};
  const ready = facts.phase === "Online" && !facts.spec.paused;
  const startTime = current.startTime ?? timestamp(nowMs);
  const missing = missingPeripherals(facts);
  return {
    ...current,
    phase: "Running",
    conditions: mergeConditions<ConditionCore>(
      current.conditions ?? [],
      podConditions(facts),
      (condition) => ({ ...condition }),
      { nowMs },
    ),
    ...(pod.spec.ephemeralContainers
      ? { ephemeralContainerStatuses: pod.spec.ephemeralContainers.map(unsupported) }
      : {}),
    hostIP: endpoint.address,
    hostIPs: [{ ip: endpoint.address }],
    podIP: endpoint.address,
    podIPs: [{ ip: endpoint.address }],
    startTime,
    containerStatuses: containerNames(facts).map((name) => {
      if (missing.includes(name)) return missingPeripheral(name, facts);
      const known = current.containerStatuses?.find((status) => status.name === name);
      return containerStatus(name, isWaiting(known) ? undefined : known, facts, ready, startTime);
    }),
  };
}

/** What `kubectl debug lamp` adds waits indefinitely, with a reason. */
function unsupported({
  name,
  image = "",
}: {
  readonly name: string;
  readonly image?: string;
}): ContainerStatus {
  const message = "a microcontroller runs its firmware and no containers";
  return waitingStatus(name, image, { reason: "Unsupported", message });
}

/** It runs as soon as the firmware has it, or goes when the profile names it no longer. */
function missingPeripheral(name: string, facts: DeviceFacts): ContainerStatus {
  const message = `the firmware has no peripheral ${name}`;
  return waitingStatus(name, firmwareImage(facts.firmware), { reason: "PeripheralMissing", message });
}

function waitingStatus(
  name: string,
  image: string,
  waiting: { readonly reason: string; readonly message: string },
): ContainerStatus {
  return { name, image, imageID: "", ready: false, restartCount: 0, state: { waiting }, lastState: {} };
}

function isWaiting(status: ContainerStatus | undefined): boolean {
  return status?.state !== undefined && "waiting" in status.state;
}

/**
 * Ready is the device's: one that serves all but a peripheral serves. ContainersReady is of all containers, by Kubernetes'
 * own meaning.
 */
function podConditions(facts: DeviceFacts): readonly WantedCondition[] {
  const { phase, spec, asleepUntilMs } = facts;
  const missing = missingPeripherals(facts);
  const yes = (type: string): WantedCondition => ({ type, status: "True", reason: "", message: "" });
  const unready = spec.paused
    ? { reason: "DevicePaused", message: pausedMessage }
    : phase === "Asleep"
      ? { reason: "Asleep", message: asleepMessage(asleepUntilMs) }
      : { reason: "DeviceOffline", message: "the device has stopped answering" };
  const readiness = (type: string): WantedCondition =>
    phase === "Online" && !spec.paused ? yes(type) : { type, status: "False", ...unready };
  const ready = readiness("Ready");
  const containersReady: WantedCondition =
    ready.status === "True" && missing.length > 0
      ? {
          type: "ContainersReady",
          status: "False",
          reason: "PeripheralsMissing",
          message: `the firmware lacks ${missing.join(", ")}`,
        }
      : { ...ready, type: "ContainersReady" };
  return [yes("PodScheduled"), yes("Initialized"), containersReady, ready];
}

function containerStatus(
  name: string,
  known: ContainerStatus | undefined,
  facts: DeviceFacts,
  ready: boolean,
  podStart: string,
): ContainerStatus {
  const image = firmwareImage(facts.firmware);
  const ofDevice = `motelet://${facts.spec.uid}-${facts.boot ?? 0}`;
  const containerID = name === deviceContainer ? ofDevice : `${ofDevice}-${name}`;
  const sameBoot = known?.containerID === containerID;
  const startedAt =
    (sameBoot ? known.state?.running?.startedAt : undefined) ??
    (facts.bootedAtMs === undefined ? podStart : timestamp(facts.bootedAtMs));
  const cause = resetCauseOf(facts.resetCause);
  const rebooted = known?.containerID !== undefined && !sameBoot;
  const restarts = name === deviceContainer ? (facts.restarts ?? 0) : 0;
  const lastState = rebooted
    ? {
        terminated: {
          exitCode: cause.fault ? 1 : 0,
          reason: cause.name,
          startedAt: known.state?.running?.startedAt ?? podStart,
          finishedAt: startedAt,
          containerID: known.containerID,
        },
      }
    : known?.lastState;
  return {
    name,
    image,
    imageID: facts.firmware?.buildId ?? "",
    containerID,
    ready,
    started: true,
    restartCount: restarts,
    state: { running: { startedAt } },
    lastState: (restarts > 0 ? lastState : undefined) ?? {},
  };
}

/** The target of the pod and container in a kubelet request. */
export type PodTarget =
  | { readonly kind: "device"; readonly key: string; readonly facts: DeviceFacts; readonly nodeName: string }
  | {
      readonly kind: "peripheral";
      readonly key: string;
      readonly facts: DeviceFacts;
      readonly nodeName: string;
      readonly peripheral: string;
    }
  | { readonly kind: "no-pod" }
  | { readonly kind: "no-container"; readonly nodeName: string };

/**
 * Finds the device or peripheral behind the Pod and container of a kubelet request.
 * @param container absent if a request names only the Pod (port-forward)
 */
export function findPodTarget(
  devices: { get(key: string): DeviceFacts | undefined },
  request: { readonly namespace: string; readonly pod: string; readonly container?: string },
): PodTarget {
  const key = deviceKey(request.namespace, request.pod);
  const facts = devices.get(key);
  // A Pending device has neither Node nor Pod.
  if (!facts || facts.phase === "Pending") return { kind: "no-pod" };
  const { nodeName, peripherals } = facts.spec;
  const { container } = request;
  if (container === undefined || container === deviceContainer)
    return { kind: "device", key, facts, nodeName };
  if (peripherals?.includes(container))
    return { kind: "peripheral", key, facts, nodeName, peripheral: container };
  return { kind: "no-container", nodeName };
}
