import { isDeepStrictEqual } from "node:util";
import { type DeviceFacts, type DeviceSpec, deviceKey } from "../devices/device.ts";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { Work } from "../foundation/workqueue.ts";
import {
  ignoreGone,
  isAlreadyExists,
  isConflict,
  isForbidden,
  isNotFound,
  isRefused,
} from "../kubeapi/errors.ts";
import { ReadYourWritesStore } from "../kubeapi/read-your-writes-store.ts";
import { eventSubject } from "../resources/device.ts";
import { deviceLabel, deviceUidAnnotation, namespaceLabel } from "../resources/labels.ts";
import {
  buildVirtualPod,
  desiredVirtualPod,
  isVirtualPod,
  mustReplacePod,
  ownsPod,
  type Pod,
  podPath,
  virtualPodStatus,
} from "../resources/virtual-pod.ts";
import type { MirrorContext } from "./context.ts";
import { refusedMessage } from "./refused-message.ts";
import { RetryLater } from "./retry-later.ts";
import { ShownFacts } from "./shown-facts.ts";

/** Writes to one Pod: this many at once, then one each `refillMs`, whatever the device sends. */
const writeRate = { burst: 20, refillMs: 15_000 };

/**
 * Facts → the Pod that represents a device. Creates it when the Node exists; it is Running, and Ready while the device
 * is online. Finishes its deletions like a kubelet, and creates it again. Never touches a foreign Pod of that name.
 */
export class VirtualPodController {
  readonly #context: MirrorContext;
  readonly #pods: ReadYourWritesStore<Pod>;
  readonly #work: Work;
  readonly #taken: RetryLater;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(context: MirrorContext) {
    this.#context = context;
    this.#pods = new ReadYourWritesStore(context.pods, context.clock);
    this.#taken = new RetryLater(context.clock, context.conflictRetryMs);
    const { queue, registry, pods, nodes, conditions } = context;
    this.#work = queue.register("pod", "low", (key, signal) => this.#reconcile(key, signal));
    const shown = new ShownFacts(registry);
    registry.changes.subscribe((key) => {
      if (!registry.get(key)) {
        this.#buckets.delete(key);
        this.#taken.forget(key);
      }
      if (shown.changed(key)) this.#work.add(key);
    });
    pods.changes.subscribe((key) => {
      this.#taken.forget(key);
      this.#work.add(key);
    });
    nodes.changes.subscribe((name) => {
      const labels = nodes.get(name)?.metadata.labels;
      const key = labels && deviceKey(labels[namespaceLabel] ?? "", labels[deviceLabel] ?? "");
      if (key && !pods.get(key)) this.#work.add(key);
    });
    conditions.changes.subscribe((key) => this.#work.add(key));
  }

  /** Deletes the Pod of a removed device. */
  async remove(spec: DeviceSpec, signal: AbortSignal): Promise<void> {
    try {
      const pod = await this.#read(spec, signal);
      if (pod && ownsPod({ spec }, pod)) await this.#delete(pod, signal);
    } catch (error) {
      // A namespace that goes takes our rights along, and its Pods, too: what is left is collected after its Node.
      if (!isForbidden(error)) throw error;
    }
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { registry, nodes, devices } = this.#context;
    const facts = registry.get(key);
    const deleting = devices.get(key)?.metadata.deletionTimestamp !== undefined;
    if (!facts || facts.phase === "Pending" || deleting) return undefined;
    const node = nodes.get(facts.spec.nodeName);
    // A Pod bound to a Node that is not there is collected; one on a foreign Node would be run by its kubelet.
    if (node?.metadata.annotations?.[deviceUidAnnotation] !== facts.spec.uid) return undefined;
    const waitMs = this.#taken.remaining(key);
    if (waitMs > 0) return waitMs;
    const pod = this.#pods.get(key) ?? (await this.#create(facts, signal));
    if (!isVirtualPod(pod)) return this.#reportConflict(facts);
    const leaving = pod.metadata.deletionTimestamp !== undefined;
    if (leaving || mustReplacePod(pod, facts)) {
      // A firmware that says another thing with each hello must not have a Pod with each.
      const replaceMs = leaving ? 0 : this.#bucketOf(key).take(this.#context.clock.monotonicMs());
      if (replaceMs > 0) return replaceMs;
      await this.#delete(pod, signal);
      return undefined;
    }
    this.#context.conditions.set(key, {
      type: "Pod",
      status: "True",
      reason: "PodExists",
      message: "the Pod runs",
    });
    return this.#bringUpToDate(key, pod, facts, signal);
  }

  async #bringUpToDate(
    key: string,
    pod: Pod,
    facts: DeviceFacts,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { clock, endpoint } = this.#context;
    const path = podPath(facts.spec.namespace, facts.spec.name);
    const desired = desiredVirtualPod(pod, facts);
    const podDiffers = !isDeepStrictEqual(desired, pod);
    const statusDiffers = !isDeepStrictEqual(
      virtualPodStatus(pod, facts, endpoint, clock.wallMs()),
      pod.status,
    );
    if (!podDiffers && !statusDiffers) return undefined;
    const waitMs = this.#bucketOf(key).take(clock.monotonicMs());
    if (waitMs > 0) return waitMs;
    const current = podDiffers ? await this.#replace(key, path, desired, signal) : pod;
    const status = virtualPodStatus(current, facts, endpoint, clock.wallMs());
    if (!isDeepStrictEqual(status, current.status)) {
      await this.#replace(key, `${path}/status`, { ...current, status }, signal);
    }
    return undefined;
  }

  async #create(facts: DeviceFacts, signal: AbortSignal): Promise<Pod> {
    const { kube, log } = this.#context;
    const { namespace } = facts.spec;
    try {
      const pod = await kube.create<Pod>(`/api/v1/namespaces/${namespace}/pods`, buildVirtualPod(facts), {
        signal,
      });
      log.info({ device: facts.key, node: facts.spec.nodeName }, "pod created");
      return this.#pods.wrote(facts.key, pod);
    } catch (error) {
      if (isRefused(error)) this.#tellNoPod(facts, "PodRefused", refusedMessage("Pod", error));
      if (!isAlreadyExists(error)) throw error;
      return kube.get<Pod>(podPath(namespace, facts.spec.name), { signal });
    }
  }

  async #replace(key: string, path: string, pod: Pod, signal: AbortSignal): Promise<Pod> {
    try {
      return this.#pods.wrote(key, await this.#context.kube.replace<Pod>(path, pod, { signal }));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) this.#pods.forget(key);
      throw error;
    }
  }

  /** Deletes at once: there is nothing to stop on the device, and no kubelet would finish the deletion. */
  async #delete(pod: Pod, signal: AbortSignal): Promise<void> {
    const { namespace = "", name, uid } = pod.metadata;
    this.#pods.forget(`${namespace}/${name}`);
    const options = { gracePeriodSeconds: 0, preconditions: { uid } };
    await ignoreGone(this.#context.kube.delete(podPath(namespace, name), options, { signal }));
  }

  #reportConflict(facts: DeviceFacts): number {
    const message = `the name ${facts.spec.name} is taken by a Pod that is not this device's`;
    this.#tellNoPod(facts, "PodNameConflict", message);
    return this.#taken.postpone(facts.key);
  }

  #tellNoPod(facts: DeviceFacts, reason: string, message: string): void {
    const { conditions, events, log } = this.#context;
    if (!conditions.set(facts.key, { type: "Pod", status: "False", reason, message })) return;
    events.record(eventSubject(facts), { type: "Warning", reason, message });
    log.warn({ device: facts.key, code: reason }, "device gets no pod");
  }

  #bucketOf(key: string): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(writeRate, this.#context.clock.monotonicMs());
    this.#buckets.set(key, bucket);
    return bucket;
  }

  async #read(spec: DeviceSpec, signal: AbortSignal): Promise<Pod | undefined> {
    try {
      return await this.#context.kube.get<Pod>(podPath(spec.namespace, spec.name), { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}
