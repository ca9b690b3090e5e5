import type { HttpKubeClient } from "../../../gateway/src/kubeapi/client.ts";
import { ignoreGone } from "../../../gateway/src/kubeapi/errors.ts";
import type { KubeList, KubeObject } from "../../../gateway/src/kubeapi/objects.ts";

export interface RealNode {
  readonly name: string;
  readonly zone: string;
  readonly taints?: readonly { readonly key: string; readonly effect: string }[];
}

export interface ScheduledPod extends KubeObject {
  readonly spec: { readonly nodeName?: string };
  readonly status?: { readonly phase?: string };
}

interface Lease extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
}

const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";
const renewEveryMs = 10_000;
const lookEveryMs = 200;

/**
 * Linux Nodes in the same cluster as motes: real Node objects with zone and hostname, whose Leases are renewed as a kubelet does, and whose
 * Pods run at once. Ends with dispose; the objects stay.
 */
export class RealNodes implements AsyncDisposable {
  readonly #kube: HttpKubeClient;
  readonly #renewals = new Map<string, NodeJS.Timeout>();
  readonly #leases = new Map<string, Lease>();
  readonly #stop = new AbortController();
  #kubelet: Promise<void> | undefined;

  private constructor(kube: HttpKubeClient) {
    this.#kube = kube;
  }

  static async start(kube: HttpKubeClient, nodes: readonly RealNode[]): Promise<RealNodes> {
    const real = new RealNodes(kube);
    for (const node of nodes) await real.#join(node);
    real.#kubelet = real.#runPods();
    return real;
  }

  /** The Node's kubelet dies: no renewal any more. */
  fail(name: string): void {
    clearInterval(this.#renewals.get(name));
    this.#renewals.delete(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [...this.#renewals.keys()]) this.fail(name);
    this.#stop.abort();
    await this.#kubelet;
  }

  async #join({ name, zone, taints }: RealNode): Promise<void> {
    const now = new Date().toISOString();
    const resources = { cpu: "4", memory: "8Gi", pods: "110", "ephemeral-storage": "50Gi" };
    const condition = (type: string, status: string) => ({
      type,
      status,
      reason: "Kubelet",
      message: "",
      lastHeartbeatTime: now,
      lastTransitionTime: now,
    });
    const node = await this.#kube.create<KubeObject>("/api/v1/nodes", {
      metadata: {
        name,
        labels: {
          "kubernetes.io/os": "linux",
          "kubernetes.io/arch": "amd64",
          "kubernetes.io/hostname": name,
          "topology.kubernetes.io/region": "here",
          "topology.kubernetes.io/zone": zone,
        },
      },
      spec: taints ? { taints } : {},
      status: {
        capacity: resources,
        allocatable: resources,
        conditions: [
          condition("Ready", "True"),
          condition("MemoryPressure", "False"),
          condition("DiskPressure", "False"),
          condition("PIDPressure", "False"),
        ],
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      },
    });
    this.#leases.set(
      name,
      await this.#kube.create<Lease>(leasesPath, {
        metadata: {
          name,
          namespace: "kube-node-lease",
          ownerReferences: [{ apiVersion: "v1", kind: "Node", name, uid: node.metadata.uid }],
        },
        spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTime() },
      }),
    );
    this.#renewals.set(
      name,
      setInterval(() => void this.#renew(name).catch(() => {}), renewEveryMs),
    );
  }

  async #renew(name: string): Promise<void> {
    const lease = this.#leases.get(name);
    if (!lease) return;
    const renewed = { ...lease, spec: { ...lease.spec, renewTime: microTime() } };
    this.#leases.set(name, await this.#kube.replace<Lease>(`${leasesPath}/${name}`, renewed));
  }

  /** What the kubelets would do with their Pods: run them at once, and let those go that are deleted. */
  async #runPods(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      const { items } = await this.#kube.get<KubeList<ScheduledPod>>("/api/v1/pods");
      const ours = items.filter(({ spec }) => this.#leases.has(spec.nodeName ?? ""));
      await Promise.all(ours.map((pod) => this.#runPod(pod).catch(() => {})));
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  async #runPod({ metadata, status }: ScheduledPod): Promise<void> {
    const path = `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
    if (metadata.deletionTimestamp) {
      await ignoreGone(this.#kube.delete(path, { gracePeriodSeconds: 0 }));
    } else if (status?.phase !== "Running") {
      const now = new Date().toISOString();
      const conditions = ["Ready", "ContainersReady", "Initialized"].map((type) => ({
        type,
        status: "True",
        lastTransitionTime: now,
      }));
      await this.#kube.patch(
        `${path}/status`,
        { status: { phase: "Running", startTime: now, conditions } },
        "merge",
      );
    }
  }
}

function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
