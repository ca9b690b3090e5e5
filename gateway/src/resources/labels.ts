/** Names that motelet writes on API objects. Everything under `motelet.dev/` belongs to the gateway. */
export const apiGroup = "motelet.dev";
export const apiVersion = "motelet.dev/v1alpha1";

/** On Devices of gateways before ADR 0018. The gateway removes it: the deletion of a Device waits for no gateway. */
export const formerFinalizer = "motelet.dev/node";

/** On Nodes: UID of the Device that the Node represents. Marks a Node as owned by motelet. */
export const deviceUidAnnotation = "motelet.dev/device-uid";
/** On Nodes: which labels, annotations and taints are from spec.node, so that they can be removed again. */
export const fromSpecAnnotation = "motelet.dev/from-spec";
/** The path of each Node on the shared listener, for metrics-server. */
export const metricsPathAnnotation = "metrics.k8s.io/resource-metrics-path";

/** On Nodes, Leases, Pods and Secrets: name of the Device. */
export const deviceLabel = "motelet.dev/device";
/** On Nodes and Leases: namespace of the Device. */
export const namespaceLabel = "motelet.dev/namespace";
export const profileLabel = "motelet.dev/profile";
/** On Secrets: the gateway reads only those. */
export const identityLabel = "motelet.dev/identity";
export const managedByLabel = "app.kubernetes.io/managed-by";
/** What the device's own labels appear under. */
const reportedLabelPrefix = "device.motelet.dev/";

export const moteTaint = { key: "motelet.dev/mote", effect: "NoSchedule" } as const;

const maxLabelLength = 63;

/** A label value from a text of the device: other characters become "-"; empty if nothing is left. */
export function labelValue(text: string): string {
  return text
    .replace(/[^A-Za-z0-9._-]+/g, "-")
    .slice(0, maxLabelLength)
    .replace(/^[^A-Za-z0-9]+/, "")
    .replace(/[^A-Za-z0-9]+$/, "");
}

/** At most this many labels of a device appear on its Node. */
const maxReportedLabels = 16;

/** The labels that a device reports, under their prefix; keys that cannot be label names are left out. */
export function reportedLabels(labels: Readonly<Record<string, string>> = {}): Record<string, string> {
  const valid = Object.entries(labels)
    .map(([key, value]) => [labelValue(key), labelValue(value)] as const)
    .filter(([key]) => key !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, maxReportedLabels);
  return Object.fromEntries(valid.map(([key, value]) => [`${reportedLabelPrefix}${key}`, value]));
}

/** Name of the container that represents the device itself. */
export const deviceContainer = "device";
