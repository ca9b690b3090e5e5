import assert from "node:assert/strict";
import { test } from "node:test";
import type { Usage } from "../src/devices/usage/usage.ts";
import { buildPodList } from "../src/kubelet/pods.ts";
import { buildVirtualPod } from "../src/resources/virtual-pod.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };
const atMs = Date.parse("2026-11-21T12:00:00.123Z");
const usage: Usage = {
  atMs,
  bootedAtMs: Date.parse("2026-11-21T11:00:00.500Z"),
  cpuMs: 12_345,
  bootCpuMs: 2_345,
  cpuCores: 0.25,
  memoryBytes: 60_000,
  memoryFreeBytes: 40_000,
  filesTotalBytes: 1_000,
  filesFreeBytes: 400,
};

/** A reader that knows these figures of `default/lamp`, and when its callers went away. */
function readerOf(figures: Usage | undefined) {
  return { read: async (key: string) => (key === "default/lamp" ? figures : undefined) };
}

function series(body: string): string[] {
  return body.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}

test(
  "a Node's figures stand under its own path, none of them 0, each with its instant",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest({ usage: readerOf(usage) }).start();
    const { code, body } = await kubelet.get("/metrics/nodes/lamp/metrics/resource");
    assert.equal(code, 200);
    const container = '{container="device",namespace="default",pod="lamp"}';
    const pod = '{namespace="default",pod="lamp"}';
    assert.deepEqual(series(body), [
      `container_cpu_usage_seconds_total${container} 2.345 ${atMs}`,
      `container_memory_working_set_bytes${container} 60000 ${atMs}`,
      `container_start_time_seconds${container} 1795258800.5`,
      `container_swap_usage_bytes${container} 0 ${atMs}`,
      `node_cpu_usage_seconds_total 12.345 ${atMs}`,
      `node_memory_working_set_bytes 60000 ${atMs}`,
      `node_swap_usage_bytes 0 ${atMs}`,
      `pod_cpu_usage_seconds_total${pod} 12.345 ${atMs}`,
      `pod_memory_working_set_bytes${pod} 60000 ${atMs}`,
      `pod_swap_usage_bytes${pod} 0 ${atMs}`,
      "resource_scrape_error 0",
      "scrape_error 0",
    ]);
  },
);

test("what a device does not know is next to nothing, but not 0", deadline, async () => {
  const bare: Usage = { atMs, cpuMs: 0, bootCpuMs: 0 };
  await using kubelet = await new KubeletUnderTest({ usage: readerOf(bare) }).start();
  const lines = series((await kubelet.get("/metrics/nodes/lamp/metrics/resource")).body);
  assert.ok(lines.includes(`node_cpu_usage_seconds_total 0.000001 ${atMs}`), lines.join("\n"));
  assert.ok(lines.includes(`node_memory_working_set_bytes 1 ${atMs}`), lines.join("\n"));
  assert.ok(!lines.some((line) => line.startsWith("container_start_time_seconds")));
});

test("a device that is away has no figures, and the scrape says so", deadline, async () => {
  await using kubelet = await new KubeletUnderTest({ usage: readerOf(undefined) }).start();
  const { code, body } = await kubelet.get("/metrics/nodes/lamp/metrics/resource");
  assert.deepEqual([code, series(body)], [200, ["resource_scrape_error 1", "scrape_error 1"]]);
});

test("paths that name no Node have a constant body without figures", deadline, async () => {
  await using kubelet = await new KubeletUnderTest({ usage: readerOf(usage) }).start();
  assert.deepEqual(series((await kubelet.get("/metrics/resource")).body), [
    "resource_scrape_error 0",
    "scrape_error 0",
  ]);
  for (const path of ["/metrics", "/metrics/cadvisor", "/metrics/probes"])
    assert.deepEqual(await kubelet.get(path), { code: 200, body: "" });
  for (const path of ["/pods", "/runningpods/"])
    assert.deepEqual(JSON.parse((await kubelet.get(path)).body), {
      kind: "PodList",
      apiVersion: "v1",
      metadata: {},
      items: [],
    });
  assert.deepEqual(JSON.parse((await kubelet.get("/stats/summary")).body), {
    node: { nodeName: "", startTime: "1970-01-01T00:00:00Z" },
    pods: [],
  });
});

test("a Node that does not exist is told as that", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const path of ["/metrics/nodes/nosuch/metrics/resource", "/stats/nodes/nosuch/summary"])
    assert.deepEqual(await kubelet.get(path), { code: 404, body: 'node "nosuch" does not exist' });
});

test("a Node's summary has what the device uses", deadline, async () => {
  await using kubelet = await new KubeletUnderTest({ usage: readerOf(usage) }).start();
  const { node, pods } = JSON.parse((await kubelet.get("/stats/nodes/lamp/summary")).body);
  const time = "2026-11-21T12:00:00Z";
  assert.deepEqual(node.cpu, { time, usageNanoCores: 250_000_000, usageCoreNanoSeconds: 12_345_000_000 });
  assert.equal(node.nodeName, "lamp");
  assert.equal(node.startTime, "2026-11-21T11:00:00Z");
  assert.equal(node.memory.workingSetBytes, 60_000);
  assert.equal(node.memory.availableBytes, 40_000);
  assert.deepEqual(node.fs, { time, availableBytes: 400, capacityBytes: 1_000, usedBytes: 600 });
  assert.deepEqual(pods[0].podRef, { name: "lamp", namespace: "default", uid: "" });
  assert.equal(pods[0].containers[0].name, "device");
  assert.equal(pods[0].containers[0].cpu.usageCoreNanoSeconds, 2_345_000_000);
  assert.equal(pods[0].memory.workingSetBytes, 60_000);
});

test(
  "a peripheral's container uses next to nothing, or its Pod would have no figures",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest({ usage: readerOf(usage) }).start();
    const spec = kubelet.registry.get("default/lamp")?.spec;
    assert.ok(spec);
    kubelet.registry.admit({ ...spec, peripherals: ["relay0"] });
    const lines = series((await kubelet.get("/metrics/nodes/lamp/metrics/resource")).body);
    const relay = '{container="relay0",namespace="default",pod="lamp"}';
    assert.ok(lines.includes(`container_cpu_usage_seconds_total${relay} 0.000001 ${atMs}`), lines.join("\n"));
    assert.ok(lines.includes(`container_memory_working_set_bytes${relay} 1 ${atMs}`));
    assert.ok(lines.includes(`pod_memory_working_set_bytes{namespace="default",pod="lamp"} 60001 ${atMs}`));
  },
);

test(
  "the cluster's Pod is told with its uid and status; another Device's of that name is not",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest({ usage: readerOf(usage) }).start();
    const facts = kubelet.registry.get("default/lamp");
    assert.ok(facts);
    const built = buildVirtualPod(facts);
    const status = { phase: "Running", podIP: "10.0.0.1" };
    const pod = { ...built, metadata: { ...built.metadata, uid: "uid-of-the-pod" }, status };
    const uid = async () => {
      const { pods } = JSON.parse((await kubelet.get("/stats/nodes/lamp/summary")).body);
      return pods[0].podRef.uid;
    };
    assert.equal(await uid(), "");
    kubelet.pods.set("default/lamp", pod);
    assert.equal(await uid(), "uid-of-the-pod");
    assert.deepEqual(buildPodList(facts, pod), {
      kind: "PodList",
      apiVersion: "v1",
      metadata: {},
      items: [pod],
    });
    const [owner] = pod.metadata.ownerReferences ?? [];
    assert.ok(owner);
    const metadata = { ...pod.metadata, ownerReferences: [{ ...owner, uid: "another" }] };
    kubelet.pods.set("default/lamp", { ...pod, metadata });
    assert.equal(await uid(), "");
  },
);

test("on a listener of one Node the paths mean that Node", () => {
  const facts = {
    key: "default/lamp",
    spec: { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false },
    phase: "Online" as const,
    phaseSinceMs: 0,
    hardware: {},
    capabilities: [],
  };
  const { items } = buildPodList(facts, undefined) as { items: { metadata: { name: string } }[] };
  assert.deepEqual(
    items.map(({ metadata }) => metadata.name),
    ["lamp"],
  );
});
