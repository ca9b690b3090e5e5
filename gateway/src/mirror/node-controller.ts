import { isDeepStrictEqual } from "node:util";
import type { DeviceFacts, DeviceSpec } from "../devices/device.ts";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { Work } from "../foundation/workqueue.ts";
import { ignoreGone, isAlreadyExists, isConflict, isNotFound, isRefused } from "../kubeapi/errors.ts";
import { ReadYourWritesStore } from "../kubeapi/read-your-writes-store.ts";
import { type Device, eventSubject } from "../resources/device.ts";
import { profileResources } from "../resources/device-profile.ts";
import { deviceLabel, deviceUidAnnotation, namespaceLabel } from "../resources/labels.ts";
import { buildNode, desiredNode, desiredStatus, type Node, nodesPath } from "../resources/node.ts";
import { conditionFigures, readyOf } from "../resources/node-conditions.ts";
import type { MirrorContext } from "./context.ts";
import { followProfiles } from "./device-profile-controller.ts";
import { NodeReadiness } from "./node-readiness.ts";
import { isServedNode, nodeOwnership } from "./ownership.ts";
import { refusedMessage } from "./refused-message.ts";
import { RetryLater } from "./retry-later.ts";
import { ShownFacts } from "./shown-facts.ts";

/** Status writes of one Node: this many at once, then one each `refillMs`, whatever the device sends. */
const statusRate = { burst: 20, refillMs: 15_000 };

/**
 * Facts → Node. Creates it at the device's first hello, Ready in the same POST. Writes its status if the desired one
 * differs from the present one. Edits labels and taints with the resourceVersion, after all creations and before the
 * controller manager does. Creates it again if it was deleted. Never touches a Node of another owner.
 */
export class NodeController {
  readonly #context: MirrorContext;
  readonly #nodes: ReadYourWritesStore<Node>;
  readonly #status: Work;
  readonly #metadata: Work;
  readonly #orphans: Work;
  /** Devices that request a Node name, in order of arrival: usually one. */
  readonly #wantedBy = new Map<string, Set<string>>();
  readonly #nodeNames = new Map<string, string>();
  readonly #buckets = new Map<string, TokenBucket>();
  /** The last known part of each Device that its Node depends on. */
  readonly #wishes = new Map<string, readonly unknown[]>();
  readonly #taken: RetryLater;
  readonly #readiness: NodeReadiness;
  readonly #created;

  constructor(context: MirrorContext) {
    this.#context = context;
    this.#nodes = new ReadYourWritesStore(context.nodes, context.clock);
    this.#taken = new RetryLater(context.clock, context.conflictRetryMs);
    this.#readiness = new NodeReadiness(context, (key) => this.#status.add(key));
    const { queue, registry, nodes, devices, metrics } = context;
    this.#created = metrics.counter("motelet_nodes_created_total", "Nodes created");
    this.#status = queue.register("node", "high", (key, signal) => this.#reconcile(key, signal));
    this.#metadata = queue.register("node-metadata", "middle", (key, signal) =>
      this.#reconcileMetadata(key, signal),
    );
    this.#orphans = queue.register("node-orphan", "low", (name, signal) => this.#sweep(name, signal));
    const shown = new ShownFacts(
      registry,
      (facts) => `${conditionFigures(facts)} ${context.endpoint.ports?.get(facts.spec.nodeName) ?? ""}`,
    );
    registry.changes.subscribe((key) => {
      this.#index(key);
      if (shown.changed(key)) this.#status.add(key);
    });
    devices.changes.subscribe((key) => {
      if (this.#isWish(key)) this.#status.add(key);
    });
    followProfiles(context, (key) => this.#status.add(key));
    nodes.changes.subscribe((name) => {
      const wanting = this.#wantedBy.get(name);
      for (const key of wanting ?? []) {
        this.#taken.forget(key);
        this.#status.add(key);
      }
      if (!wanting) this.#orphans.add(name);
    });
  }

  /** All Devices of a namespace have been read: from now on, a Node there without its Device is an orphan. */
  devicesKnown(): void {
    for (const node of this.#context.nodes.list()) this.#orphans.add(node.metadata.name);
  }

  /** Deletes the Node of a removed device; resolves when it is deleted. */
  async remove(spec: DeviceSpec, signal: AbortSignal): Promise<void> {
    const path = `${nodesPath}/${spec.nodeName}`;
    const node = await this.#read(path, signal);
    if (node?.metadata.annotations?.[deviceUidAnnotation] !== spec.uid) return;
    await ignoreGone(this.#context.kube.delete(path, uidPrecondition(node), { signal }));
  }

  async #reconcile(key: string, signal: AbortSignal): Promise<number | undefined> {
    const target = this.#target(key);
    if (!target) return undefined;
    const { device, facts } = target;
    const { nodeName } = facts.spec;
    const waitMs = this.#taken.remaining(key);
    if (waitMs > 0) return waitMs;
    const known = this.#nodes.get(nodeName);
    if (!known && !this.#context.podCidrs.reserve(nodeName)) return this.#reportBudget(facts);
    const node = known ?? (await this.#create(device, facts, signal));
    const ownership = nodeOwnership(node, facts, (uid) => this.#isLive(uid));
    if (ownership === "foreign") return this.#reportConflict(facts);
    // One that lost our label is not in the informer's store: keep what was read until the label is back.
    if (!this.#nodes.get(nodeName)) this.#nodes.wrote(nodeName, node);
    this.#context.conditions.set(key, {
      type: "Node",
      status: "True",
      reason: "NodeExists",
      message: `Node ${nodeName} stands for the device`,
    });
    if (node.metadata.deletionTimestamp) return undefined;
    if (ownership === "adoptable" || this.#metadataDiffers(node, device, facts)) this.#metadata.add(key);
    if (ownership === "adoptable") return undefined;
    return this.#writeStatus(device, node, facts, signal);
  }

  async #writeStatus(
    device: Device,
    node: Node,
    facts: DeviceFacts,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const { endpoint, clock } = this.#context;
    const { key } = facts;
    const heldMs = this.#readiness.heldMs(key, node);
    const view = { flapping: heldMs > 0, resources: this.#resourcesOf(device) };
    const status = desiredStatus(node, facts, endpoint, clock.wallMs(), view);
    // Not from the bucket: a device that toggles its heap must not delay the news that it is gone.
    const readyChanges = readyOf(status)?.status !== readyOf(node.status)?.status;
    if (!readyChanges) this.#readiness.settled(key);
    if (isDeepStrictEqual(status, node.status)) return heldMs || undefined;
    if (readyChanges) {
      if (!this.#readiness.mayChange(key)) return heldMs || undefined;
    } else {
      const waitMs = this.#bucketOf(key).take(clock.monotonicMs());
      if (waitMs > 0) return waitMs;
    }
    const path = `${nodesPath}/${node.metadata.name}/status`;
    await this.#replace(path, { ...node, status }, signal);
    return heldMs || undefined;
  }

  async #reconcileMetadata(key: string, signal: AbortSignal): Promise<undefined> {
    const target = this.#target(key);
    const node = target && this.#nodes.get(target.facts.spec.nodeName);
    if (!node || node.metadata.deletionTimestamp) return undefined;
    const { device, facts } = target;
    if (nodeOwnership(node, facts, (uid) => this.#isLive(uid)) === "foreign") return undefined;
    if (!this.#metadataDiffers(node, device, facts)) return undefined;
    await this.#replace(`${nodesPath}/${node.metadata.name}`, desiredNode(node, device, facts), signal);
    this.#status.add(key);
    return undefined;
  }

  /**
   * PUT with the resourceVersion that was read: if another client wrote in between, its write is kept and the reconcile
   * runs again.
   */
  async #replace(path: string, node: Node, signal: AbortSignal): Promise<void> {
    try {
      this.#nodes.wrote(node.metadata.name, await this.#context.kube.replace<Node>(path, node, { signal }));
    } catch (error) {
      if (isConflict(error) || isNotFound(error)) this.#nodes.forget(node.metadata.name);
      throw error;
    }
  }

  #metadataDiffers(node: Node, device: Device, facts: DeviceFacts): boolean {
    return !isDeepStrictEqual(desiredNode(node, device, facts), node);
  }

  /** @returns the new Node, or the existing one of that name */
  async #create(device: Device, facts: DeviceFacts, signal: AbortSignal): Promise<Node> {
    const { kube, endpoint, clock, log } = this.#context;
    const { nodeName } = facts.spec;
    try {
      const flapping = this.#readiness.heldMs(facts.key, undefined) > 0;
      const nodes = this.#context.nodes.list().length;
      const view = { flapping, resources: this.#resourcesOf(device), nodes };
      const wanted = buildNode(device, facts, endpoint, clock.wallMs(), view);
      const node = await kube.create<Node>(nodesPath, wanted, { signal });
      this.#created.inc();
      log.info({ device: facts.key, node: nodeName }, "node created");
      return this.#nodes.wrote(nodeName, node);
    } catch (error) {
      this.#context.podCidrs.release(nodeName);
      if (isRefused(error)) this.#tellNoNode(facts, "NodeRefused", refusedMessage("Node", error));
      if (!isAlreadyExists(error)) throw error;
      return kube.get<Node>(`${nodesPath}/${nodeName}`, { signal });
    }
  }

  #reportConflict(facts: DeviceFacts): number {
    const { nodeName } = facts.spec;
    const message = `the name ${nodeName} is taken by a Node that is not this device's: set spec.node.name in a new Device, or delete that Node`;
    return this.#reportNoNode(facts, "NodeNameConflict", message);
  }

  #reportBudget(facts: DeviceFacts): number {
    const { maxNodes } = this.#context.podCidrs;
    const message = `the cluster gives every Node a range of Pod addresses, and ${maxNodes} Nodes of motes are the limit: leave the rest to real Nodes, or raise maxNodesWithPodCIDR`;
    return this.#reportNoNode(facts, "PodCIDRBudget", message);
  }

  /** @returns when to try again */
  #reportNoNode(facts: DeviceFacts, reason: string, message: string): number {
    this.#tellNoNode(facts, reason, message);
    return this.#taken.postpone(facts.key);
  }

  /** Says why a device has no Node. */
  #tellNoNode(facts: DeviceFacts, reason: string, message: string): void {
    const { conditions, events, log } = this.#context;
    if (conditions.set(facts.key, { type: "Node", status: "False", reason, message })) {
      events.record(eventSubject(facts), { type: "Warning", reason, message });
      log.warn({ device: facts.key, node: facts.spec.nodeName, code: reason }, "device gets no node");
    }
  }

  async #sweep(name: string, signal: AbortSignal): Promise<undefined> {
    const { nodes, devices, namespaces, kube, log } = this.#context;
    const node = nodes.get(name);
    if (!node || node.metadata.deletionTimestamp || !isServedNode(node, namespaces)) return undefined;
    const labels = node.metadata.labels ?? {};
    // A namespace that cannot be read now is not empty.
    if (!devices.hasRead(labels[namespaceLabel] ?? "")) return undefined;
    const device = devices.get(`${labels[namespaceLabel]}/${labels[deviceLabel]}`);
    const owner = node.metadata.annotations?.[deviceUidAnnotation] ?? "";
    if (device?.metadata.uid === owner || this.#isLive(owner)) return undefined;
    log.info({ node: name }, "deleting the node of a device that is gone");
    await ignoreGone(kube.delete(`${nodesPath}/${name}`, uidPrecondition(node), { signal }));
    return undefined;
  }

  /** Whether news of a Device is of what somebody wants, and not of the status that we write ourselves. */
  #isWish(key: string): boolean {
    const device = this.#context.devices.get(key);
    if (!device) {
      this.#wishes.delete(key);
      return true;
    }
    const wish = [device.metadata.uid, device.metadata.deletionTimestamp, device.spec];
    if (isDeepStrictEqual(wish, this.#wishes.get(key))) return false;
    this.#wishes.set(key, wish);
    return true;
  }

  #target(key: string): { device: Device; facts: DeviceFacts } | undefined {
    const facts = this.#context.registry.get(key);
    const device = this.#context.devices.get(key);
    if (!facts || !device || device.metadata.uid !== facts.spec.uid) return undefined;
    if (device.metadata.deletionTimestamp || facts.phase === "Pending") return undefined;
    return { device, facts };
  }

  #resourcesOf(device: Device): Readonly<Record<string, number>> {
    return profileResources(this.#context.profiles.get(device.spec?.profile ?? ""));
  }

  #isLive(uid: string): boolean {
    return this.#context.devices.list().some((device) => device.metadata.uid === uid);
  }

  #index(key: string): void {
    const nodeName = this.#context.registry.get(key)?.spec.nodeName;
    const before = this.#nodeNames.get(key);
    if (before === nodeName) return;
    // Another name, or another Device of this one: what was said of the name before holds no more.
    this.#taken.forget(key);
    if (before !== undefined) {
      // Another Device of this name, made before the end of the first was noticed, may want another Node.
      if (nodeName !== undefined) this.#orphans.add(before);
      this.#wantedBy.get(before)?.delete(key);
      if (this.#wantedBy.get(before)?.size === 0) this.#wantedBy.delete(before);
    }
    if (nodeName === undefined) {
      this.#nodeNames.delete(key);
      this.#buckets.delete(key);
      return;
    }
    this.#nodeNames.set(key, nodeName);
    const wanting = this.#wantedBy.get(nodeName) ?? new Set();
    this.#wantedBy.set(nodeName, wanting.add(key));
  }

  #bucketOf(key: string): TokenBucket {
    const bucket = this.#buckets.get(key) ?? new TokenBucket(statusRate, this.#context.clock.monotonicMs());
    this.#buckets.set(key, bucket);
    return bucket;
  }

  async #read(path: string, signal: AbortSignal): Promise<Node | undefined> {
    try {
      return await this.#context.kube.get<Node>(path, { signal });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function uidPrecondition(node: Node) {
  return { preconditions: { uid: node.metadata.uid } };
}
