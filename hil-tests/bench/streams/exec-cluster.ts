import path from "node:path";
import { fileURLToPath } from "node:url";
import { kubeconfigCredentials } from "../../../gateway/src/kubeapi/kubeconfig.ts";
import type { KubeObject } from "../../../gateway/src/kubeapi/objects.ts";
import type { GatewayProcess } from "../../rig/gateway-process.ts";
import { type RunningProcess, startProcess } from "../../rig/process.ts";
import { ensureSourceTool } from "../../rig/source-tool.ts";
import { makeTemporaryFolder } from "../../rig/watchdog.ts";
import { BenchCluster } from "../bench-cluster.ts";
import { bringUp } from "../bring-up.ts";
import { ExecClient } from "./exec-client.ts";

/** The Pod of cri-streaming's server; devices' are called as they are. */
export const peerPod = "peer";
export const peerName = "cri-streaming";

/**
 * Devices over MQTT and cri-streaming's server, Pods of Nodes of the same API server. The peer answers over TLS as a kubelet
 * does, and authorizes nobody: its authentication and authorization cost nothing, ours are counted.
 */
export class ExecCluster implements AsyncDisposable {
  readonly cluster: BenchCluster;
  readonly gateway: GatewayProcess;
  /** All devices. */
  readonly fleet: RunningProcess;
  readonly client: ExecClient;
  /** Pods of devices. */
  readonly pods: readonly string[];
  readonly #stack: AsyncDisposableStack;

  private constructor(
    parts: Pick<ExecCluster, "cluster" | "gateway" | "fleet" | "client" | "pods">,
    stack: AsyncDisposableStack,
  ) {
    this.cluster = parts.cluster;
    this.gateway = parts.gateway;
    this.fleet = parts.fleet;
    this.client = parts.client;
    this.pods = parts.pods;
    this.#stack = stack;
  }

  /** @param gatewayFlags of node, e.g. `--cpu-prof` */
  static async start(devices: number, gatewayFlags: readonly string[] = []): Promise<ExecCluster> {
    await using stack = new AsyncDisposableStack();
    const folder = stack.use(makeTemporaryFolder("motelet-bench-exec-"));
    const cluster = stack.use(await BenchCluster.start(path.join(folder.path, "audit.log")));
    const gateway = stack.use(await cluster.startGateway(gatewayFlags));
    const members = await cluster.makeDevices(0, devices);
    // Before the peer: a bring-up counts every Node.
    const { fleet } = await bringUp(cluster, gateway, members);
    stack.use(fleet);
    const sources = fileURLToPath(new URL("../../peers/cri-streaming", import.meta.url));
    const peer = stack.use(
      startProcess({
        name: "streaming-peer",
        command: await ensureSourceTool(sources, "streaming-peer"),
        args: ["serve", "tls"],
      }),
    );
    const [, port = ""] = await peer.waitForLine(/serving on https:\/\/[^:]+:(\d+)/, { deadlineMs: 20_000 });
    await makePeer(cluster, Number(port));
    const client = new ExecClient(await kubeconfigCredentials(cluster.plane.adminKubeconfigPath));
    const pods = members.map(({ name }) => name);
    return new ExecCluster({ cluster, gateway, fleet, client, pods }, stack.move());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

async function makePeer({ kube }: BenchCluster, port: number): Promise<void> {
  await kube.create("/api/v1/nodes", {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: peerPod },
    status: {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
    },
  });
  const pod = await kube.create<KubeObject>("/api/v1/namespaces/default/pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: peerPod, namespace: "default" },
    spec: {
      nodeName: peerPod,
      automountServiceAccountToken: false,
      // The controllers see a Node that says nothing.
      tolerations: [{ operator: "Exists" }],
      containers: [{ name: "device", image: "none" }],
    },
  });
  // kubectl forwards to none but running Pods.
  const path = `/api/v1/namespaces/default/pods/${peerPod}/status`;
  await kube.replace(path, { ...pod, status: { phase: "Running" } });
}
