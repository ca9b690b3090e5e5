import type { Clock } from "../foundation/clock.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { ObjectStore } from "../kubeapi/informer.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import type { KubeList } from "../kubeapi/objects.ts";
import { type Node, nodesPath } from "../resources/node.ts";

/** A cluster that gives Nodes a range does so within this time. */
const settledMs = 15_000;
/** This many other Nodes are examined; one with a range is enough. */
const lookAt = 100;

/**
 * If a cluster gives every Node a range of Pod addresses, motes use them up and real Nodes get none. Limits the Nodes
 * of motes in such a cluster, and allows any number in others. If Nodes of other owners have ranges, a Node whose range
 * is not known yet counts as having one.
 */
export class PodCidrBudget {
  readonly maxNodes: number;
  readonly #clock: Clock;
  readonly #nodes: ObjectStore<Node>;
  readonly #granted = new Set<string>();
  /** Motes without a range, by the time when they were first seen; oldest first. */
  readonly #without = new Map<string, number>();
  readonly #gauge;
  #othersHave = false;

  constructor(options: { nodes: ObjectStore<Node>; clock: Clock; metrics: Metrics; maxNodes: number }) {
    this.maxNodes = options.maxNodes;
    this.#clock = options.clock;
    this.#nodes = options.nodes;
    this.#gauge = options.metrics.gauge("motelet_nodes_with_pod_cidr", "Nodes of motes with a podCIDR");
    options.nodes.changes.subscribe((name) => this.#follow(name));
  }

  /** Checks once whether Nodes of other owners have ranges. */
  async lookAround(kube: KubeClient, signal: AbortSignal): Promise<void> {
    const { items } = await kube.get<KubeList<Node>>(nodesPath, { query: { limit: lookAt }, signal });
    this.#othersHave = items.some((node) => node.spec?.podCIDR !== undefined);
  }

  /**
   * Requests the creation of a Node.
   * @returns whether it is allowed; then it counts until `release`, or until the Node is deleted
   */
  reserve(name: string): boolean {
    const [oldestMs] = this.#without.values();
    const noneGiven = oldestMs !== undefined && this.#clock.monotonicMs() - oldestMs >= settledMs;
    const unbounded = this.#granted.size === 0 && (!this.#othersHave || noneGiven);
    if (!unbounded && this.#granted.size + this.#without.size >= this.maxNodes) return false;
    this.#without.set(name, this.#clock.monotonicMs());
    return true;
  }

  /** The Node was not created after all. */
  release(name: string): void {
    this.#without.delete(name);
  }

  #follow(name: string): void {
    const node = this.#nodes.get(name);
    if (!node || node.spec?.podCIDR) this.#without.delete(name);
    else if (!this.#without.has(name)) this.#without.set(name, this.#clock.monotonicMs());
    if (node?.spec?.podCIDR) this.#granted.add(name);
    else this.#granted.delete(name);
    this.#gauge.set(this.#granted.size);
  }
}
