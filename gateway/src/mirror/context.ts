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

/** What the reconcilers share. Each takes the slice that it names. */
export interface MirrorContext {
  readonly kube: KubeClient;
  /** For renewals of Leases alone, so that they wait for nothing else. */
  readonly leaseKube: KubeClient;
  /** Renewals of Leases at a time. */
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
  /** By what people know this gateway: told in the status of Devices whose link it holds. */
  readonly gatewayName?: string;
  /** A Device of this namespace gives a Node of its own name. */
  readonly homeNamespace: string;
  /** How long until a taken name is tried again. */
  readonly conflictRetryMs: number;
  /** Changes of Ready on existing Nodes, all devices together. */
  readonly readyPace: Pace;
  readonly podCidrs: PodCidrBudget;
}
