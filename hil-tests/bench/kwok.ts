import { fileURLToPath } from "node:url";
import { ensureTools } from "../control-plane/build-tools.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { type BenchCluster, leasesPath } from "./bench-cluster.ts";
import { inParallel } from "./parallel.ts";
import { Settling } from "./readiness.ts";

const folder = fileURLToPath(new URL("../peers/kwok", import.meta.url));
const label = "bench.motelet.dev/peer";

/**
 * Lets kwok bring up Nodes: from the first POST of a bare Node until all are Ready. It gives each a Lease before.
 * @returns Nodes a second
 */
export async function kwokNodesPerSecond(
  cluster: BenchCluster,
  count: number,
  watcher: { began?: (kwok: RunningProcess) => void; ready?: (sinceMs: number) => void } = {},
): Promise<number> {
  const { kwok = "" } = await ensureTools(folder);
  await using process = startProcess({
    name: "kwok",
    command: kwok,
    args: ["--kubeconfig", cluster.plane.adminKubeconfigPath, "--config", `${folder}/kwok.yaml`],
  });
  await process.waitForLine(/node/i, { deadlineMs: 20_000 });
  // The same streams of news as beside motelet, so that both pay for the watching.
  await using settling = await Settling.start(cluster.kube);
  watcher.began?.(process);
  const names = Array.from({ length: count }, (_, index) => `kwok-${index}`);
  const startedMs = performance.now();
  const made = inParallel(names, 8, (name) =>
    cluster.kube.create("/api/v1/nodes", {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { [label]: "kwok" } },
    }),
  );
  const [readyMs] = await Promise.all([settling.untilReady(count, 120_000), made]);
  watcher.ready?.(readyMs - startedMs);
  // Leases first: the garbage collector would ask for each, in the middle of what is measured next.
  await cluster.removeAll(leasesPath, {});
  await cluster.removeAll("/api/v1/nodes", { labelSelector: `${label}=kwok` });
  await cluster.nodesGone();
  return (count * 1000) / (readyMs - startedMs);
}
