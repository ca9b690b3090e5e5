import type { KubeObject } from "../kubeapi/objects.ts";
import { deviceLabel, namespaceLabel } from "./labels.ts";
import type { Node } from "./node.ts";

export interface Lease extends KubeObject {
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** metav1.MicroTime. */
    readonly renewTime?: string;
  };
}

export const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
export const leaseDurationS = 40;
/** Between renewals, ± 10 %. */
export const leaseEveryMs = 20_000;

/** When to renew next. @param random in [0, 1) */
export function nextRenewalMs(random: number): number {
  return leaseEveryMs * (0.9 + 0.2 * random);
}

/** A Node's first Lease, owned by the Node so that it goes with it. */
export function buildLease(node: Node, nowMs: number): Lease {
  const labels = node.metadata.labels ?? {};
  return {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: {
      name: node.metadata.name,
      namespace: "kube-node-lease",
      labels: { [deviceLabel]: labels[deviceLabel] ?? "", [namespaceLabel]: labels[namespaceLabel] ?? "" },
      ownerReferences: [
        { apiVersion: "v1", kind: "Node", name: node.metadata.name, uid: node.metadata.uid ?? "" },
      ],
    },
    spec: {
      holderIdentity: node.metadata.name,
      leaseDurationSeconds: leaseDurationS,
      renewTime: formatMicroTime(BigInt(Math.round(nowMs)) * 1000n),
    },
  };
}

/**
 * The renewed Lease: renewTime = max(now, previous + 1 µs), so that it moves even when two replicas' clocks differ.
 * @returns undefined where it must be deleted and created anew: the clock stepped back by more than the Lease's
 *   length, or the Lease belongs to an earlier Node of that name
 */
export function renewLease(lease: Lease, node: Node, nowMs: number): Lease | undefined {
  const owner = lease.metadata.ownerReferences?.find(({ kind }) => kind === "Node");
  if (owner?.uid !== node.metadata.uid) return undefined;
  const nowMicros = BigInt(Math.round(nowMs)) * 1000n;
  const previousMicros = parseMicroTime(lease.spec.renewTime);
  if (previousMicros - nowMicros > BigInt(leaseDurationS) * 1_000_000n) return undefined;
  const renewedMicros = nowMicros > previousMicros ? nowMicros : previousMicros + 1n;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: node.metadata.name,
      leaseDurationSeconds: leaseDurationS,
      renewTime: formatMicroTime(renewedMicros),
    },
  };
}

function parseMicroTime(text: string | undefined): bigint {
  const match = /^(.*?)(?:\.(\d{1,9}))?Z$/.exec(text ?? "");
  const wholeMs = match ? Date.parse(`${match[1]}Z`) : Number.NaN;
  if (Number.isNaN(wholeMs)) return 0n;
  const micros = (match?.[2] ?? "").padEnd(6, "0").slice(0, 6);
  return BigInt(wholeMs) * 1000n + BigInt(micros);
}

function formatMicroTime(micros: bigint): string {
  const wholeMs = Number(micros / 1_000_000n) * 1000;
  const fraction = String(micros % 1_000_000n).padStart(6, "0");
  return `${new Date(wholeMs).toISOString().slice(0, 19)}.${fraction}Z`;
}
