import type { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import type { KubeObject } from "../../gateway/src/kubeapi/objects.ts";
import { devicesPath } from "./bench-cluster.ts";
import { ObjectWatch } from "./object-watch.ts";

interface Seen extends KubeObject {
  readonly spec?: { readonly taints?: readonly { readonly key: string }[] };
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

export const isReady = ({ status }: Seen): boolean =>
  status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;

const isUntainted = (node: Seen): boolean =>
  isReady(node) && !node.spec?.taints?.some(({ key }) => key === "node.kubernetes.io/not-ready");

/** Follows everything that stands for a device, each collection with what it has to be in the end. */
export class Settling implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack();
  readonly #watches: ObjectWatch<Seen>[] = [];

  static async start(kube: HttpKubeClient): Promise<Settling> {
    const settling = new Settling();
    const goals: readonly (readonly [string, (object: Seen) => boolean])[] = [
      ["/api/v1/nodes", isUntainted],
      ["/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases", () => true],
      ["/api/v1/namespaces/default/pods", isReady],
      [devicesPath, (device) => device.status?.phase === "Online"],
    ];
    for (const [path, holds] of goals)
      settling.#watches.push(settling.#stack.use(await ObjectWatch.start(kube, path, holds)));
    return settling;
  }

  /** @returns the moment at which everything of so many devices is there and as it should be */
  async until(devices: number, deadlineMs: number): Promise<number> {
    const moments = await Promise.all(
      this.#watches.map((watch) => watch.until((count) => count >= devices, deadlineMs)),
    );
    return Math.max(...moments);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
