import type { Registry } from "../devices/registry.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { WorkQueue } from "../foundation/workqueue.ts";
import type { EventRecorder } from "../kubeapi/event-recorder.ts";
import type { ObjectStore } from "../kubeapi/informer.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import type { Namespaces } from "../kubeapi/namespaced-informer.ts";
import type { Device } from "../resources/device.ts";
import type { DeviceProfile } from "../resources/device-profile.ts";
import type { Secret } from "../resources/identity-secret.ts";
import type { GatewayEndpoint, Node } from "../resources/node.ts";
import type { Pod } from "../resources/virtual-pod.ts";
import type { DeviceConditions } from "./device-conditions.ts";
import type { PodCidrBudget } from "./pod-cidr-budget.ts";
import type { Pace } from "./ready-pace.ts";

/** Dependencies that the reconcilers share. Each takes the slice that it names. */
export interface MirrorContext {
  readonly kube: KubeClient;
  /** For renewals of Leases only, so that they do not wait behind other requests. */
  readonly leaseKube: KubeClient;
  /** How many Leases may be renewed at the same time. */
  readonly leasePlaces: () => number;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly queue: WorkQueue;
  readonly events: EventRecorder;
  readonly conditions: DeviceConditions;
  readonly devices: ObjectStore<Device> & {
    /** Whether the Devices of a namespace are known. */
    hasRead(namespace: string): boolean;
  };
  readonly profiles: ObjectStore<DeviceProfile>;
  readonly nodes: ObjectStore<Node>;
  readonly pods: ObjectStore<Pod>;
  readonly secrets: ObjectStore<Secret>;
  readonly endpoint: GatewayEndpoint;
  readonly namespaces: Namespaces;
  /** The name of this gateway for people, in the status of Devices whose link it holds. */
  readonly gatewayName?: string;
  /** A Device in this namespace gets a Node of the same name. */
  readonly homeNamespace: string;
  /** How long until a Node name that another Node has is tried again. */
  readonly conflictRetryMs: number;
  /** Limits changes of Ready on existing Nodes, for all devices together. */
  readonly readyPace: Pace;
  readonly podCidrs: PodCidrBudget;
}
