import type { DeviceLogReader } from "../devices/log/device-log.ts";
import type { Registry } from "../devices/registry.ts";
import type { UsageReader } from "../devices/usage/usage.ts";
import type { AttachVerb } from "../devices/verbs/attach.ts";
import type { DialVerb } from "../devices/verbs/dial.ts";
import type { ExecVerb } from "../devices/verbs/exec.ts";
import type { InvokeVerb } from "../devices/verbs/invoke.ts";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { ObjectStore } from "../kubeapi/informer.ts";
import type { Pod } from "../resources/virtual-pod.ts";
import type { KubeletMetrics } from "./kubelet-metrics.ts";
import type { NodeDirectory } from "./node-directory.ts";

/**
 * Dependencies of the handlers; one object for all requests of a server. A handler that needs another part of the
 * gateway gets a field here, which `gateway.ts` fills through the server's options.
 */
export interface KubeletParts {
  readonly registry: Registry;
  readonly exec: ExecVerb;
  readonly attach: AttachVerb;
  readonly dial: DialVerb;
  readonly invoke: InvokeVerb;
  readonly logs: DeviceLogReader;
  readonly usage: UsageReader;
  /** Devices' Pods in the cluster, by the registry's key. */
  readonly pods: Pick<ObjectStore<Pod>, "get">;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The parts, with the additions of the server. */
export interface Serving extends KubeletParts {
  readonly meters: KubeletMetrics;
  readonly nodes: NodeDirectory;
  /** Aborts when the gateway stops: streaming handlers must end then. */
  readonly stopping: AbortSignal;
}
