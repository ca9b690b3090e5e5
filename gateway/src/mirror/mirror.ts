import type { Registry } from "../devices/registry.ts";
import type { Clock } from "../foundation/clock.ts";
import { delay } from "../foundation/delay.ts";
import { messageOf } from "../foundation/errors.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { WorkQueue } from "../foundation/workqueue.ts";
import { EventRecorder } from "../kubeapi/event-recorder.ts";
import { Informer, informerMetrics, type ObjectStore } from "../kubeapi/informer.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import { NamespacedInformer, type Namespaces } from "../kubeapi/namespaced-informer.ts";
import { type Device, devicesPath } from "../resources/device.ts";
import { type DeviceProfile, deviceProfilesPath } from "../resources/device-profile.ts";
import { foreignPodSelectors } from "../resources/foreign-pod.ts";
import { identitySelector, type Secret } from "../resources/identity-secret.ts";
import { deviceLabel, managedByLabel } from "../resources/labels.ts";
import { type GatewayEndpoint, type Node, nodesPath } from "../resources/node.ts";
import type { Pod } from "../resources/virtual-pod.ts";
import type { MirrorContext } from "./context.ts";
import { DeviceConditions } from "./device-conditions.ts";
import { DeviceController } from "./device-controller.ts";
import { DeviceEvents } from "./device-events.ts";
import { DeviceProfileController } from "./device-profile-controller.ts";
import { ForeignPodController } from "./foreign-pod-controller.ts";
import { IdentityController } from "./identity-controller.ts";
import { LeaseController } from "./lease-controller.ts";
import { NodeController } from "./node-controller.ts";
import { PodCidrBudget } from "./pod-cidr-budget.ts";
import { VirtualPodController } from "./virtual-pod-controller.ts";

export interface MirrorOptions {
  readonly kube: KubeClient;
  /** For renewals of Leases only, with its own connections; default: `kube`. */
  readonly leaseKube?: KubeClient;
  /** Renewals at the same time; default 8. Read before each. */
  readonly leasePlaces?: () => number;
  /** Reconciles at the same time; default 8. Read before each. */
  readonly workers?: () => number;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Namespaces whose Devices are served. */
  readonly namespaces: Namespaces;
  readonly homeNamespace: string;
  /** The address at which the API server reaches the kubelet listener, and the versions that Nodes report. */
  readonly endpoint: GatewayEndpoint;
  /** A name of this gateway for people: its host, or its Pod. */
  readonly gatewayName?: string;
  readonly conflictRetryMs?: number;
  /** Changes of Ready on existing Nodes: a burst, then a rate per second. Creation of Nodes is not limited. */
  readonly readyBurst?: number;
  readonly readyPerSecond?: number;
  /** Limit of motes' Nodes if the cluster gives each Node a range of Pod addresses. */
  readonly maxNodesWithPodCidr?: number;
  /** Whether to handle Pods of other owners on motes' Nodes (manifests/base/foreign-pods.yaml); default true. */
  readonly foreignPods?: boolean;
  /** Time for the last renewal of all Leases on disposal. */
  readonly farewellMs?: number;
}

/** How long a start waits for DeviceProfiles, without which Nodes lack what a profile gives them. */
const profilePatienceMs = 3_000;

/** Renewals up to `none` late leave the work queue all its workers, from `max` on a single one. Milliseconds. */
const lateness = { none: 2_000, max: 8_000 } as const;

/** How many reconciles may run while renewals of Leases are `overdueMs` late. */
export function workersBeside(overdueMs: number, workers: number): number {
  const left = (lateness.max - overdueMs) / (lateness.max - lateness.none);
  return Math.max(1, Math.floor(workers * Math.min(1, left)));
}

/**
 * Keeps the cluster and the registry in agreement: informers, one work queue, and the reconcilers on it. Reads Devices
 * and identities into the registry, writes Nodes, Leases, Pods, statuses and Events from it.
 */
export class Mirror implements AsyncDisposable {
  readonly #queue: WorkQueue;
  readonly #devices: NamespacedInformer<Device>;
  readonly #secrets: NamespacedInformer<Secret>;
  readonly #pods: NamespacedInformer<Pod>;
  readonly #nodes: Informer<Node>;
  readonly #profiles: Informer<DeviceProfile>;
  readonly #foreignPods: Informer<Pod>;
  readonly #leaseController: LeaseController;
  readonly #nodeController: NodeController;
  readonly #events: DeviceEvents;
  readonly #podCidrs: PodCidrBudget;
  readonly #stop = new AbortController();
  #isStarted = false;
  readonly #farewellMs: number;
  readonly #options: MirrorOptions;

  constructor(options: MirrorOptions) {
    const { kube, clock, log, metrics, registry, namespaces } = options;
    this.#options = options;
    this.#farewellMs = options.farewellMs ?? 2_000;
    const workers = options.workers ?? (() => 8);
    // Renewals come first: while they are behind, what would make their number grow waits.
    this.#queue = new WorkQueue({
      clock,
      log,
      metrics,
      workers: () => workersBeside(this.#leaseController.overdueMs, workers()),
    });
    const common = { kube, clock, log, metrics: informerMetrics(metrics) };
    const core = { ...common, path: "/api/v1", namespaces };
    this.#devices = new NamespacedInformer({ ...common, path: devicesPath, resource: "devices", namespaces });
    this.#secrets = new NamespacedInformer({ ...core, resource: "secrets", labelSelector: identitySelector });
    this.#pods = new NamespacedInformer({
      ...core,
      resource: "pods",
      labelSelector: `${deviceLabel},${managedByLabel}=motelet`,
    });
    this.#nodes = new Informer({ ...common, path: nodesPath, labelSelector: deviceLabel });
    this.#profiles = new Informer({ ...common, path: deviceProfilesPath });
    this.#foreignPods = new Informer({ ...common, path: "/api/v1/pods", ...foreignPodSelectors });
    const events = new EventRecorder({ kube, clock, queue: this.#queue, metrics, component: "motelet" });
    this.#podCidrs = new PodCidrBudget({
      nodes: this.#nodes,
      clock,
      metrics,
      maxNodes: options.maxNodesWithPodCidr ?? 32,
    });
    const context: MirrorContext = {
      kube,
      leaseKube: options.leaseKube ?? kube,
      leasePlaces: options.leasePlaces ?? (() => 8),
      registry,
      clock,
      log,
      metrics,
      queue: this.#queue,
      events,
      conditions: new DeviceConditions(),
      devices: this.#devices,
      profiles: this.#profiles,
      nodes: this.#nodes,
      pods: this.#pods,
      secrets: this.#secrets,
      endpoint: options.endpoint,
      namespaces,
      homeNamespace: options.homeNamespace,
      ...(options.gatewayName === undefined ? {} : { gatewayName: options.gatewayName }),
      conflictRetryMs: options.conflictRetryMs ?? 30_000,
      podCidrs: this.#podCidrs,
      readyPace: { burst: options.readyBurst ?? 50, refillMs: 1_000 / (options.readyPerSecond ?? 5) },
    };
    this.#leaseController = new LeaseController(context);
    const identities = new IdentityController(context);
    this.#nodeController = new NodeController(context);
    const pods = new VirtualPodController(context);
    new DeviceController(context, identities, [pods, this.#leaseController, this.#nodeController]);
    new DeviceProfileController(context);
    new ForeignPodController(context, this.#foreignPods);
    this.#events = new DeviceEvents(registry, events);
  }

  /**
   * Resolves when all collections have been read once. Nodes are first, so that their Leases are renewed before other
   * requests; identities are before Devices, so that a device is never admitted without its identity.
   */
  async start(): Promise<void> {
    this.#queue.start();
    this.#leaseController.start();
    await this.#nodes.start();
    this.#leaseController.nodesKnown();
    await Promise.all([this.#secrets.start(), this.#pods.start(), this.#readProfiles(), this.#lookAround()]);
    this.#devices.reads.subscribe(() => this.#nodeController.devicesKnown());
    await this.#devices.start();
    // Not waited for: the right to see Pods of others may have been left out.
    if (this.#options.foreignPods ?? true) void this.#foreignPods.start();
    this.#isStarted = true;
  }

  /** Devices' Pods in the cluster, by the registry's key. */
  get pods(): ObjectStore<Pod> {
    return this.#pods;
  }

  /**
   * For readiness: the reason if the cluster cannot be read or watched. DeviceProfiles and Pods of other owners are
   * optional.
   */
  unhealthyReason(): string | undefined {
    const informers = [this.#nodes, this.#secrets, this.#pods, this.#devices];
    const reason = informers.map((informer) => informer.unhealthyReason()).find((each) => each);
    return reason ?? (this.#isStarted ? undefined : "still starting");
  }

  /** If the CRD is not (yet) installed, devices are admitted without their profiles. */
  async #readProfiles(): Promise<void> {
    const patience = delay(this.#options.clock, profilePatienceMs, this.#stop.signal).catch(() => {});
    await Promise.race([this.#profiles.start(), patience]);
  }

  async #lookAround(): Promise<void> {
    const { kube, log } = this.#options;
    try {
      await this.#podCidrs.lookAround(kube, this.#stop.signal);
    } catch (error) {
      log.warn({ err: messageOf(error) }, "cannot see whether nodes have pod ranges");
    }
  }

  /**
   * Ends all work, renews all Leases once more, and sets no Node NotReady, so that the next gateway can take over
   * without a change.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#events[Symbol.dispose]();
    await Promise.all([this.#queue[Symbol.asyncDispose](), this.#leaseController[Symbol.asyncDispose]()]);
    await this.#leaseController.renewAll(AbortSignal.timeout(this.#farewellMs));
    const informers = [
      this.#devices,
      this.#secrets,
      this.#pods,
      this.#nodes,
      this.#profiles,
      this.#foreignPods,
    ];
    await Promise.all(informers.map((informer) => informer[Symbol.asyncDispose]()));
  }
}
