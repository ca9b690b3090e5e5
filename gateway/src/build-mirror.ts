import { hostname } from "node:os";
import type { BuildContext } from "./build-context.ts";
import type { Cluster } from "./connect-cluster.ts";
import type { Registry } from "./devices/registry.ts";
import { Mirror } from "./mirror/mirror.ts";
import type { RunningKubelet } from "./start-kubelet.ts";

/**
 * Builds the mirror between the registry and the cluster.
 * @param version the gateway's own, as Nodes report it
 */
export function buildMirror(
  { config, clock, log, metrics }: BuildContext,
  cluster: Cluster,
  registry: Registry,
  kubelet: RunningKubelet,
  version: string,
): Mirror {
  const { kube, leaseKube, writes, renewals, servedVersion } = cluster;
  const { port, nodePorts } = kubelet;
  const namespaces = config["kubernetes.namespaces"];
  return new Mirror({
    kube,
    leaseKube,
    leasePlaces: () => renewals.limit,
    workers: () => writes.limit,
    registry,
    clock,
    log,
    metrics,
    namespaces: namespaces.length === 1 && namespaces[0] === "*" ? "all" : namespaces,
    homeNamespace: config["kubernetes.homeNamespace"],
    gatewayName: hostname(),
    readyBurst: config["mirror.readyBurst"],
    readyPerSecond: config["mirror.readyPerSecond"],
    maxNodesWithPodCidr: config["mirror.maxNodesWithPodCIDR"],
    foreignPods: config["mirror.foreignPods"],
    endpoint: {
      address: config["node.address"],
      port,
      ...(nodePorts ? { ports: nodePorts } : {}),
      servedVersion,
      moteletVersion: version,
      declaresWebSockets: config["kubelet.declareWebSockets"],
    },
  });
}
