import type { V1NodeCondition, V1NodeSpec, V1NodeStatus, V1Taint } from "@kubernetes/client-node";
import type { DeviceFacts } from "../devices/device.ts";
import type { KubeObject, Wire } from "../kubeapi/objects.ts";
import { mergeConditions, timestamp } from "./conditions.ts";
import type { Device } from "./device.ts";
import {
  apiGroup,
  deviceLabel,
  deviceUidAnnotation,
  fromSpecAnnotation,
  labelValue,
  metricsPathAnnotation,
  moteTaint,
  namespaceLabel,
  profileLabel,
  reportedLabels,
} from "./labels.ts";
import { asleepCondition, type NodeView, nodeConditions } from "./node-conditions.ts";

export type NodeCondition = Wire<V1NodeCondition>;
export type Taint = Wire<V1Taint>;
export type NodeStatus = Wire<V1NodeStatus>;

export interface Node extends KubeObject {
  readonly spec?: Wire<V1NodeSpec>;
  readonly status?: NodeStatus;
}

export const nodesPath = "/api/v1/nodes";

/** The part of a Node that comes from the gateway, not from the device. */
export interface GatewayEndpoint {
  /** The address at which the API server reaches the kubelet listener. */
  readonly address: string;
  readonly port: number;
  /** Nodes that have their own port. */
  readonly ports?: ReadonlyMap<string, number>;
  /** Version that the API server reports, e.g. "v1.37.1". */
  readonly servedVersion: string;
  /** The gateway's own, e.g. "0.1.0". */
  readonly moteletVersion: string;
  /** Whether the API server should pass WebSockets on to the kubelet listener instead of translating them to SPDY. */
  readonly declaresWebSockets?: boolean;
}

/** KEP-4006: since Kubernetes 1.36 the API server looks for it on the Node. */
const webSocketFeature = "ExtendWebSocketsToKubelet";

/**
 * Kubernetes' TTL controller writes it on every Node, one request each, out of the 20 a second that it has for real Nodes
 * too. It finds nothing to do where the value fits the size of the cluster. Nobody reads it of a mote.
 */
const ttlAnnotation = "node.alpha.kubernetes.io/ttl";
/** Seconds by number of Nodes: kubernetes/pkg/controller/ttl/ttl_controller.go */
const secretTtls = [
  { upTo: 100, ttl: "0" },
  { upTo: 500, ttl: "15" },
  { upTo: 1_000, ttl: "60" },
  { upTo: 2_000, ttl: "300" },
] as const;

function secretTtl(nodes: number): string {
  return secretTtls.find(({ upTo }) => nodes <= upTo)?.ttl ?? "300";
}

export function providerId(namespace: string, name: string): string {
  return `motelet://${namespace}/${name}`;
}

/** `v<served minor>.0-motelet.<version>`: kubeadm refuses to upgrade a cluster with kubelets of version v0.x. */
function kubeletVersion({ servedVersion, moteletVersion }: GatewayEndpoint): string {
  const minor = /^v?(\d+\.\d+)/.exec(servedVersion)?.[1] ?? "1.30";
  return `v${minor}.0-motelet.${moteletVersion}`;
}

/** A Node for a device that has none yet. Contains the status, so that the Node is Ready from the start. */
export function buildNode(
  device: Device,
  facts: DeviceFacts,
  endpoint: GatewayEndpoint,
  nowMs: number,
  view: NodeView = {},
): Node {
  const bare: Node = { apiVersion: "v1", kind: "Node", metadata: { name: facts.spec.nodeName } };
  const node = desiredNode(bare, device, facts);
  const { metadata } = node;
  const annotations = { ...metadata.annotations, [ttlAnnotation]: secretTtl(view.nodes ?? 0) };
  return {
    ...node,
    metadata: { ...metadata, annotations },
    status: desiredStatus(node, facts, endpoint, nowMs, view),
  };
}

/**
 * The Node with motelet's metadata, taints and providerID as desired. Everything of other owners is unchanged: labels,
 * annotations, foreign taints, cordon. Never a zone or hostname label (a tainted mote would count as a spread domain),
 * never a podCIDR.
 */
export function desiredNode(current: Node, device: Device, facts: DeviceFacts): Node {
  const { namespace, name, uid, nodeName } = facts.spec;
  const wanted = device.spec?.node;
  const earlier = parseFromSpec(current.metadata.annotations?.[fromSpecAnnotation]);
  const arch = labelValue(facts.hardware.arch ?? "") || "unknown";
  const os = osLabel(facts);
  const labels: Record<string, string> = {
    ...without(current.metadata.labels, earlier.labels, "device.motelet.dev/"),
    ...wanted?.labels,
    ...reportedLabels(facts.hardware.labels),
    "kubernetes.io/arch": arch,
    "kubernetes.io/os": os,
    // The node lifecycle controller adds these when they are missing, one request a Node.
    "beta.kubernetes.io/arch": arch,
    "beta.kubernetes.io/os": os,
    "node-role.kubernetes.io/mote": "",
    [deviceLabel]: name,
    [namespaceLabel]: namespace,
    "topology.kubernetes.io/region": "motelet",
    "node.kubernetes.io/exclude-from-external-load-balancers": "",
  };
  if (device.spec?.profile) labels[profileLabel] = device.spec.profile;
  else delete labels[profileLabel];
  const annotations: Record<string, string> = {
    ...without(current.metadata.annotations, earlier.annotations),
    ...wanted?.annotations,
    [deviceUidAnnotation]: uid,
    [metricsPathAnnotation]: `/metrics/nodes/${nodeName}/metrics/resource`,
  };
  const fromSpec = formatFromSpec(wanted);
  if (fromSpec) annotations[fromSpecAnnotation] = fromSpec;
  else delete annotations[fromSpecAnnotation];
  return {
    ...current,
    metadata: { ...current.metadata, labels, annotations },
    spec: {
      ...current.spec,
      providerID: current.spec?.providerID ?? providerId(namespace, name),
      taints: desiredTaints(current.spec?.taints ?? [], wanted?.taints ?? [], earlier.taints, facts),
    },
  };
}

/** DaemonSets select linux: a port of the firmware to it must not attract them. */
function osLabel({ hardware }: DeviceFacts): string {
  const os = labelValue(hardware.os ?? "") || "unknown";
  return os.toLowerCase() === "linux" || os.toLowerCase() === "windows" ? "posix" : os;
}

function desiredTaints(
  current: readonly Taint[],
  wanted: readonly Taint[],
  earlier: readonly string[],
  facts: DeviceFacts,
): readonly Taint[] {
  const ours = new Map<string, Taint>([moteTaint, ...wanted].map((taint) => [taintId(taint), taint]));
  // Order and timeAdded of existing entries are kept, or controllers and we would rewrite each other.
  const kept = current
    .filter((taint) => ours.has(taintId(taint)) || !earlier.includes(taintId(taint)))
    .filter((taint) => !(facts.phase === "Online" && isAdmissionTaint(taint)))
    .map((taint) => {
      const own = ours.get(taintId(taint));
      ours.delete(taintId(taint));
      return own && own.value !== taint.value ? own : taint;
    });
  return [...kept, ...ours.values()];
}

/**
 * The not-ready taint that admission adds to every new Node has no timeAdded; the one of the node lifecycle controller
 * has, and is the controller's own to remove. Left to it, 500 new Nodes keep theirs for more than a minute.
 */
function isAdmissionTaint(taint: Taint): boolean {
  return taint.key === "node.kubernetes.io/not-ready" && taint.effect === "NoSchedule" && !taint.timeAdded;
}

/**
 * The desired status of the Node; fields and conditions of other owners stay. Identical to the current one if nothing
 * has to be written.
 */
export function desiredStatus(
  current: Node,
  facts: DeviceFacts,
  endpoint: GatewayEndpoint,
  nowMs: number,
  view: NodeView = {},
): NodeStatus {
  const conditions = current.status?.conditions ?? [];
  const given = Object.entries(view.resources ?? {}).map(([name, count]) => [name, quantity(count)]);
  const capacity = {
    ...without(current.status?.capacity, [], `${apiGroup}/`),
    cpu: "1",
    memory: quantity(facts.hardware.ramBytes ?? 0),
    "ephemeral-storage": quantity(facts.hardware.flashBytes ?? 0),
    pods: "4",
    ...(Object.fromEntries(given) as Record<string, string>),
  };
  const declaredFeatures = desiredFeatures(current.status?.declaredFeatures ?? [], endpoint);
  const { declaredFeatures: _, ...status } = current.status ?? {};
  return {
    ...status,
    capacity,
    allocatable: { ...without(current.status?.allocatable, [], `${apiGroup}/`), ...capacity },
    conditions: mergeConditions<NodeCondition>(
      conditions,
      nodeConditions(facts, conditions, view),
      (condition) => ({ ...condition, lastHeartbeatTime: timestamp(nowMs) }),
      { nowMs, stale: (type) => type === asleepCondition },
    ),
    addresses: [{ type: "InternalIP", address: endpoint.address }],
    daemonEndpoints: { kubeletEndpoint: { Port: endpoint.ports?.get(facts.spec.nodeName) ?? endpoint.port } },
    nodeInfo: {
      ...current.status?.nodeInfo,
      architecture: facts.hardware.arch ?? "unknown",
      operatingSystem: osLabel(facts),
      osImage: facts.firmware?.text ?? "unknown",
      kernelVersion: facts.hardware.os ?? "unknown",
      kubeletVersion: kubeletVersion(endpoint),
      kubeProxyVersion: "",
      containerRuntimeVersion: `motelet://${endpoint.moteletVersion}`,
      machineID: facts.hardware.hardwareId ?? "",
      systemUUID: facts.spec.uid,
      bootID: facts.boot === undefined ? "" : String(facts.boot),
    },
    ...(declaredFeatures.length === 0 ? {} : { declaredFeatures }),
  };
}

/** Sorted and unique, as the API server demands. One that does not know the field drops it, and is not told. */
function desiredFeatures(current: readonly string[], endpoint: GatewayEndpoint): readonly string[] {
  const others = current.filter((feature) => feature !== webSocketFeature);
  const minor = Number(/^v?1\.(\d+)/.exec(endpoint.servedVersion)?.[1] ?? 0);
  return endpoint.declaresWebSockets && minor >= 36 ? [...others, webSocketFeature].sort() : others;
}

/** The API server's own way to write a number (64000 becomes "64k"), so that what is read equals what was written. */
function quantity(count: number): string {
  const suffixes = ["", "k", "M", "G", "T"];
  let value = count;
  let index = 0;
  while (value !== 0 && value % 1000 === 0 && index < suffixes.length - 1) {
    value /= 1000;
    index += 1;
  }
  return `${value}${suffixes[index]}`;
}

interface FromSpec {
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
  readonly taints: readonly string[];
}

function formatFromSpec(wanted: NonNullable<Device["spec"]>["node"]): string | undefined {
  const fromSpec: FromSpec = {
    labels: Object.keys(wanted?.labels ?? {}).sort(),
    annotations: Object.keys(wanted?.annotations ?? {}).sort(),
    taints: (wanted?.taints ?? []).map(taintId).sort(),
  };
  const empty = Object.values(fromSpec).every((keys) => keys.length === 0);
  return empty ? undefined : JSON.stringify(fromSpec);
}

/** An annotation that the gateway did not write (a person may have edited it) is ignored: the Node continues. */
function parseFromSpec(text: string | undefined): FromSpec {
  let parsed: Partial<Record<keyof FromSpec, unknown>> | null = null;
  try {
    parsed = JSON.parse(text ?? "null");
  } catch {}
  const keys = (name: keyof FromSpec): readonly string[] => {
    const value = parsed?.[name];
    return Array.isArray(value) ? value.filter((key) => typeof key === "string") : [];
  };
  return { labels: keys("labels"), annotations: keys("annotations"), taints: keys("taints") };
}

function taintId(taint: Taint): string {
  return `${taint.key}:${taint.effect}`;
}

function without(
  entries: Readonly<Record<string, string>> | undefined,
  keys: readonly string[],
  prefix?: string,
): Record<string, string> {
  const kept = Object.entries(entries ?? {}).filter(
    ([key]) => !keys.includes(key) && !(prefix && key.startsWith(prefix)),
  );
  return Object.fromEntries(kept);
}
