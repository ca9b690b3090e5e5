import { systemClock } from "../../../gateway/src/foundation/clock.ts";
import { createLogger } from "../../../gateway/src/foundation/log.ts";
import { Metrics } from "../../../gateway/src/foundation/metrics.ts";
import { Informer, informerMetrics, type ObjectStore } from "../../../gateway/src/kubeapi/informer.ts";
import type { KubeClient } from "../../../gateway/src/kubeapi/kube-client.ts";
import type { Node } from "../../../gateway/src/resources/node.ts";
import { readyOf } from "../../../gateway/src/resources/node-conditions.ts";
import { waitFor } from "../wait.ts";

/** What a Node's Ready became, and when this process heard of it; "gone" where the Node went. */
export interface ReadyChange {
  readonly node: string;
  readonly status: string;
  readonly reason: string;
  /** As performance.now() tells it. */
  readonly atMs: number;
}

/** Follows Ready of all Nodes and remembers each change of it. Memory grows with the changes: for tests. */
export class ReadyWatch implements AsyncDisposable {
  readonly changes: ReadyChange[] = [];
  readonly #informer: Informer<Node>;
  readonly #last = new Map<string, string>();

  private constructor(kube: KubeClient) {
    this.#informer = new Informer<Node>({
      kube,
      path: "/api/v1/nodes",
      clock: systemClock,
      log: createLogger({ level: "silent" }),
      metrics: informerMetrics(new Metrics()),
    });
    this.#informer.changes.subscribe((node) => this.#note(node));
  }

  static async start(kube: KubeClient): Promise<ReadyWatch> {
    const watch = new ReadyWatch(kube);
    await watch.#informer.start();
    return watch;
  }

  /** "True", "False", "Unknown"; "gone" if there is no such Node. */
  statusOf(node: string): string {
    return this.#last.get(node) ?? "gone";
  }

  /** All Nodes, for tests that need more of them than Ready. */
  get nodes(): ObjectStore<Node> {
    return this.#informer;
  }

  /** How many of these Nodes have Ready of this status. */
  count(nodes: readonly string[], status: string): number {
    return nodes.filter((node) => this.statusOf(node) === status).length;
  }

  /** Changes after a moment of performance.now(). */
  since(atMs: number): readonly ReadyChange[] {
    return this.changes.filter((change) => change.atMs > atMs);
  }

  /** Waits until Ready of all these Nodes has this status. @throws RigError DEADLINE_PASSED */
  async all(nodes: readonly string[], status: string, deadlineMs: number): Promise<void> {
    await waitFor(() => this.count(nodes, status) === nodes.length, {
      deadlineMs,
      intervalMs: 25,
      what: `${nodes.length} Nodes with Ready=${status} (there are ${[...this.#last].slice(0, 5).join(" ")} …)`,
    });
  }

  /** The first change to a status after a moment; undefined if there was none. */
  first(node: string, status: string, afterMs: number): ReadyChange | undefined {
    return this.changes.find(
      (change) => change.node === node && change.status === status && change.atMs >= afterMs,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#informer[Symbol.asyncDispose]();
  }

  #note(node: string): void {
    const object = this.#informer.get(node);
    const ready = readyOf(object?.status);
    const status = object ? (ready?.status ?? "none") : "gone";
    if (this.#last.get(node) === status) return;
    if (object) this.#last.set(node, status);
    else this.#last.delete(node);
    this.changes.push({ node, status, reason: ready?.reason ?? "", atMs: performance.now() });
  }
}
