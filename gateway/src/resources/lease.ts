import type { V1LeaseSpec } from "@kubernetes/client-node";
import type { KubeObject, Wire } from "../kubeapi/objects.ts";
import { deviceLabel, namespaceLabel } from "./labels.ts";
import type { Node } from "./node.ts";

export interface Lease extends KubeObject {
  readonly spec: Wire<V1LeaseSpec>;
}

export const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
export const leaseDurationS = 40;
/** Between renewals, ± 10 %. */
const leaseEveryMs = 20_000;

/** When to renew next. @param random in [0, 1) */
export function nextRenewalMs(random: number): number {
  return leaseEveryMs * (0.9 + 0.2 * random);
}

/**
 * A Node's first Lease, owned by the Node so that it is deleted with it.
 * @param previous Lease of an earlier Node of that name: the controller manager remembers its renewTime after the Node
 * is deleted
 */
export function buildLease(node: Node, nowMs: number, previous?: Lease): Lease {
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
      renewTime: nextRenewTime(previous, nowMs),
    },
  };
}

/**
 * The renewed Lease.
 * @returns undefined if it must be deleted and created again, because it belongs to an earlier Node of that name
 */
export function renewLease(lease: Lease, node: Node, nowMs: number): Lease | undefined {
  const owner = lease.metadata.ownerReferences?.find(({ kind }) => kind === "Node");
  if (owner?.uid !== node.metadata.uid) return undefined;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: node.metadata.name,
      leaseDurationSeconds: leaseDurationS,
      renewTime: nextRenewTime(lease, nowMs),
    },
  };
}

/**
 * max(now, previous + 1 µs): the controller manager takes a Lease for renewed only when its time moved on, and remembers
 * the latest one even of a deleted Lease. So after a backward step of the clock, and where replicas' clocks differ, the
 * time creeps until the clock has caught up (docs/adr/0005-lease-time-never-goes-back.md).
 */
function nextRenewTime(previous: Lease | undefined, nowMs: number): string {
  const nowMicros = BigInt(Math.round(nowMs)) * 1000n;
  const previousMicros = parseMicroTime(previous?.spec.renewTime);
  return formatMicroTime(nowMicros > previousMicros ? nowMicros : previousMicros + 1n);
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
