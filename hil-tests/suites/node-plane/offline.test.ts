import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Device } from "../../../gateway/src/resources/device.ts";
import type { Pod } from "../../../gateway/src/resources/virtual-pod.ts";
import { NodePlane } from "../../rig/cluster/node-plane.ts";
import { RealNodes } from "../../rig/cluster/real-nodes.ts";
import { kubectlOk } from "../../rig/installation.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * A device that is away for long: its Node says so and nothing else changes, while the eviction that Kubernetes does
 * with Pods on Nodes that are not ready is over. MOTELET_SOAK=1: Kubernetes' own 300 s, and 12 minutes.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const times = soak ? { evictionS: 300, awayMs: 12 * 60_000 } : { evictionS: 2, awayMs: 10_000 };
const namespace = "sealed";
const podPath = `/api/v1/namespaces/${namespace}/pods`;

test(`a device that is offline for ${times.awayMs / 1000} s keeps its Pod, in a namespace that is restricted`, {
  timeout: times.awayMs + 180_000,
}, async (t) => {
  const { evictionS } = times;
  await using rig = await NodePlane.start({
    controlPlane: {
      extraApiServerFlags: [
        `--default-not-ready-toleration-seconds=${evictionS}`,
        `--default-unreachable-toleration-seconds=${evictionS}`,
      ],
    },
    tenants: { [namespace]: { "pod-security.kubernetes.io/enforce": "restricted" } },
    settings: { "session.heartbeatS": "2" },
  });
  const { kube, ready, plane } = rig;
  const node = `${namespace}.lamp`;
  // Where all Nodes of all zones are down the controller manager blames itself and evicts nobody.
  const zones = ["a", "b", "c"].map((zone) => ({ name: `real-${zone}`, zone }));
  await using _real = await RealNodes.start(kube, [...zones, { name: "broken", zone: "a" }]);
  const [lamp] = await rig.bringUp(["lamp", "door", "bell"], { namespace });
  const pod = () => kube.get<Pod>(`${podPath}/lamp`);
  const conditions = async () =>
    (await kube.get<Device>(`/apis/motelet.dev/v1alpha1/namespaces/${namespace}/devices/lamp`)).status
      ?.conditions;
  await waitFor(async () => (await pod()).status?.phase === "Running", {
    what: "the Pod",
    deadlineMs: 20_000,
  });
  const before = (await pod()).metadata.uid;

  // A Pod of somebody else on a Node that is not ready shows that Pods are evicted in this time.
  const bystander = {
    metadata: { name: "bystander" },
    spec: { nodeName: "broken", containers: [{ name: "c", image: "example.com/c:1" }] },
  };
  await kube.create("/api/v1/namespaces/default/pods", bystander);
  const runs = async () =>
    (await kube.get<Pod>("/api/v1/namespaces/default/pods/bystander")).status?.phase === "Running";
  await waitFor(runs, { what: "the bystander", deadlineMs: 10_000 });
  const now = new Date().toISOString();
  const notReady = { type: "Ready", status: "False", lastHeartbeatTime: now, lastTransitionTime: now };
  await kube.patch("/api/v1/nodes/broken/status", { status: { conditions: [notReady] } }, "strategic");

  lamp?.freeze();
  await waitFor(() => ready.statusOf(node) === "False", {
    what: "the Node to be NotReady",
    deadlineMs: 20_000,
  });
  const fromMs = performance.now();
  await delay(times.awayMs);
  const evicted = () =>
    kube
      .get<Pod>("/api/v1/namespaces/default/pods/bystander")
      .then(({ metadata }) => metadata.deletionTimestamp !== undefined)
      .catch(() => true);
  // Kubernetes takes its time on a busy machine; who is evicted in that time is ours to see all the same.
  await waitFor(evicted, { what: "the Pod on the Node that is not ready to be evicted", deadlineMs: 60_000 });
  assert.deepEqual(
    ready.since(fromMs).filter((change) => change.node === node),
    [],
  );
  const condition = ready.nodes.get(node)?.status?.conditions?.find(({ type }) => type === "Ready");
  assert.deepEqual([condition?.status, condition?.reason], ["False", "DeviceOffline"]);
  assert.equal((await pod()).metadata.uid, before);
  assert.equal((await pod()).metadata.deletionTimestamp, undefined);
  assert.equal((await pod()).status?.phase, "Running");
  assert.equal((await conditions())?.find(({ type }) => type === "Pod")?.status, "True");
  t.diagnostic(await kubectlOk(plane, "get", "nodes,pods", "-A", "-o", "wide"));

  lamp?.thaw();
  await waitFor(() => ready.statusOf(node) === "True", {
    what: "the Node to be Ready again",
    deadlineMs: 20_000,
  });
  assert.equal((await pod()).metadata.uid, before);
});
