import type { BenchCluster } from "./bench-cluster.ts";
import { atMost, type Figure } from "./figure.ts";
import { ObjectWatch } from "./object-watch.ts";
import { isReady } from "./readiness.ts";

/** From the start of the gateway's process to the first Node, of a device that connects as soon as the port is open. */
export async function startUpFigures(cluster: BenchCluster): Promise<Figure[]> {
  // An identity has to be there before a device can come.
  const first = await cluster.startGateway();
  const members = await cluster.makeDevices(0, 1);
  const { ports } = first;
  await first.process.stop();
  await using fleet = await cluster.prepareFleet(ports.mqtt, members);
  await using nodes = await ObjectWatch.start(cluster.kube, "/api/v1/nodes", isReady);
  const startedMs = performance.now();
  await first.start();
  await using gateway = first;
  const listeningMs = performance.now();
  fleet.stdin.write("go\n");
  const readyMs = await nodes.until((count) => count === 1, 30_000);
  void gateway;
  return [
    atMost(2, {
      name: "gateway's start to its first Ready Node",
      value: (readyMs - startedMs) / 1000,
      unit: "s",
    }),
    atMost(2, { name: "… of which until it listens", value: (listeningMs - startedMs) / 1000, unit: "s" }),
  ];
}
