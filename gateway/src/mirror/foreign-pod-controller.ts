import { isDeepStrictEqual } from "node:util";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { Work } from "../foundation/workqueue.ts";
import { ignoreGone } from "../kubeapi/errors.ts";
import type { ObjectStore } from "../kubeapi/informer.ts";
import { foreignPodEvent, foreignPodStatus } from "../resources/foreign-pod.ts";
import { type Pod, podPath } from "../resources/virtual-pod.ts";
import type { MirrorContext } from "./context.ts";
import { isServedNode } from "./ownership.ts";

/** A DaemonSet puts a Pod on every mote at once: all their writes together. */
const writeRate = { burst: 50, refillMs: 100 };

/**
 * Handles Pods of other owners on motes' Nodes, because no kubelet does: reports why they stay Pending, names the
 * DaemonSet that should exclude motes, and finishes their deletion. Never sets one to Failed, and never changes one on
 * a Node that motelet does not own.
 */
export class ForeignPodController {
  readonly #context: Pick<
    MirrorContext,
    "kube" | "clock" | "log" | "queue" | "events" | "nodes" | "namespaces" | "metrics"
  >;
  readonly #pods: ObjectStore<Pod>;
  readonly #work: Work;
  readonly #bucket: TokenBucket;
  readonly #knownNodes = new Set<string>();
  readonly #explained;
  readonly #finished;

  /** @param pods selected by `foreignPodSelectors`, in all namespaces */
  constructor(
    context: Pick<
      MirrorContext,
      "kube" | "clock" | "log" | "queue" | "events" | "nodes" | "namespaces" | "metrics"
    >,
    pods: ObjectStore<Pod>,
  ) {
    this.#context = context;
    this.#pods = pods;
    this.#bucket = new TokenBucket(writeRate, context.clock.monotonicMs());
    const { queue, nodes, metrics } = context;
    this.#explained = metrics.counter(
      "motelet_foreign_pods_explained_total",
      "Pods of other owners that got a reason for waiting",
    );
    this.#finished = metrics.counter(
      "motelet_foreign_pods_finished_total",
      "Deletions of Pods of other owners that the gateway finished",
    );
    this.#work = queue.register("foreign-pod", "low", (key, signal) => this.#reconcile(key, signal));
    pods.changes.subscribe((key) => this.#work.add(key));
    nodes.changes.subscribe((name) => this.#followNode(name));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { kube, clock, log, events } = this.#context;
    const pod = this.#pods.get(key);
    if (!pod || !this.#isOnMote(pod)) return undefined;
    const { namespace = "", name, uid, deletionTimestamp } = pod.metadata;
    const path = podPath(namespace, name);
    const status = foreignPodStatus(pod, clock.wallMs());
    if (!deletionTimestamp && isDeepStrictEqual(status, pod.status)) return undefined;
    const waitMs = this.#bucket.take(clock.monotonicMs());
    if (waitMs > 0) return waitMs;
    if (deletionTimestamp) {
      await ignoreGone(kube.delete(path, { gracePeriodSeconds: 0, preconditions: { uid } }, { signal }));
      this.#finished.inc();
      return undefined;
    }
    // A conflict or a deletion in between comes back as news of the Pod.
    await ignoreGone(kube.replace(`${path}/status`, { ...pod, status }, { signal }));
    const { subject, text } = foreignPodEvent(pod);
    events.record(subject, text);
    this.#explained.inc();
    log.info({ pod: key, node: pod.spec.nodeName }, "a pod of others reached a mote");
    return undefined;
  }

  #isOnMote(pod: Pod): boolean {
    const node = this.#context.nodes.get(pod.spec.nodeName ?? "");
    return node !== undefined && isServedNode(node, this.#context.namespaces);
  }

  /** A Pod may be known before the Node that it is bound to. */
  #followNode(name: string): void {
    if (!this.#context.nodes.get(name)) {
      this.#knownNodes.delete(name);
      return;
    }
    if (this.#knownNodes.has(name)) return;
    this.#knownNodes.add(name);
    for (const { spec, metadata } of this.#pods.list()) {
      if (spec.nodeName === name) this.#work.add(`${metadata.namespace}/${metadata.name}`);
    }
  }
}
