import { fileURLToPath } from "node:url";
import { ensureTools } from "../control-plane/build-tools.ts";
import { type RunningProcess, startProcess } from "../rig/process.ts";
import { type BenchCluster, leasesPath } from "./bench-cluster.ts";
import { CpuAccount, ownProcess, sumOf } from "./cpu-account.ts";
import { inParallel } from "./parallel.ts";
import { Settling } from "./readiness.ts";

const folder = fileURLToPath(new URL("../peers/kwok", import.meta.url));
/** How fast kwok's Nodes became Ready, and what each took. */
export interface KwokRates {
  readonly readyPerSecond: number;
  /** Processor time of everybody in it for each Node, milliseconds. */
  readonly cpuMs: number;
}

const label = "bench.motelet.dev/peer";

/**
 * Lets kwok bring up Nodes: from the first POST of a bare Node until all are Ready. It gives each a Lease before.
 */
export async function kwokBringUp(
  cluster: BenchCluster,
  count: number,
  watcher: { began?: (kwok: RunningProcess) => void; ready?: (sinceMs: number) => void } = {},
): Promise<KwokRates> {
  const { kwok = "" } = await ensureTools(folder);
  await using process = startProcess({
    name: "kwok",
    command: kwok,
    args: ["--kubeconfig", cluster.plane.adminKubeconfigPath, "--config", `${folder}/kwok.yaml`],
  });
  await process.waitForLine(/node/i, { deadlineMs: 20_000 });
  // The same watches as with motelet, so that both pay for them.
  await using settling = await Settling.start(cluster.kube);
  watcher.began?.(process);
  const account = new CpuAccount(new Map([...cluster.servers(), ["kwok", process.pid], ownProcess]));
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
  const cpuS = sumOf(account.take());
  // Leases first: the garbage collector would ask for each, in the middle of what is measured next.
  await cluster.removeAll(leasesPath);
  await cluster.removeAll("/api/v1/nodes", `${label}=kwok`);
  await cluster.nodesGone();
  return { readyPerSecond: (count * 1000) / (readyMs - startedMs), cpuMs: (cpuS * 1000) / count };
}
