import type { HttpKubeClient } from "../../gateway/src/kubeapi/client.ts";
import type { KubeObject } from "../../gateway/src/kubeapi/objects.ts";
import { RigError } from "../rig/errors.ts";
import { devicesPath, leasesPath } from "./bench-cluster.ts";
import { ObjectWatch } from "./object-watch.ts";

const nodesPath = "/api/v1/nodes";

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
  readonly #settled: { readonly path: string; readonly watch: ObjectWatch<Seen> }[] = [];
  readonly #ready: ObjectWatch<Seen>;

  private constructor(nodes: ObjectWatch<Seen>) {
    this.#ready = this.#stack.use(nodes);
    this.#settled.push({ path: nodesPath, watch: nodes.also(isUntainted) });
  }

  static async start(kube: HttpKubeClient): Promise<Settling> {
    const settling = new Settling(await ObjectWatch.start(kube, nodesPath, isReady));
    const goals: readonly (readonly [string, (object: Seen) => boolean])[] = [
      [leasesPath, () => true],
      ["/api/v1/namespaces/default/pods", isReady],
      [devicesPath, (device) => device.status?.phase === "Online"],
    ];
    for (const [path, holds] of goals) {
      const watch = settling.#stack.use(await ObjectWatch.start(kube, path, holds));
      settling.#settled.push({ path, watch });
    }
    return settling;
  }

  /** @returns the moment at which this many Nodes are Ready */
  untilReady(devices: number, deadlineMs: number): Promise<number> {
    return this.#orWhatIsMissing(
      devices,
      this.#ready.until((count) => count >= devices, deadlineMs),
    );
  }

  /** How many objects of each collection are as they should be. */
  state(devices: number): string {
    const counts = this.#settled.map(({ path, watch }) => `${path.split("/").at(-1)} ${watch.count}`);
    return `of ${devices} are as wanted: ${this.#ready.count} Ready, ${counts.join(", ")}`;
  }

  /**
   * @param said is called with the moment of each collection
   * @returns the moment at which all objects of this many devices are as they should be
   */
  async until(
    devices: number,
    deadlineMs: number,
    said?: (path: string, moment: number) => void,
  ): Promise<number> {
    const reached = this.#settled.map(async ({ path, watch }) => {
      const moment = await this.#orWhatIsMissing(
        devices,
        watch.until((count) => count >= devices, deadlineMs),
      );
      said?.(path, moment);
      return moment;
    });
    return Math.max(...(await Promise.all(reached)));
  }

  async #orWhatIsMissing<T>(devices: number, waited: Promise<T>): Promise<T> {
    try {
      return await waited;
    } catch (error) {
      if (!(error instanceof RigError && error.code === "DEADLINE_PASSED")) throw error;
      throw new RigError(error.code, `${error.message}; ${this.state(devices)}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}
