import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { KubeList } from "../../../gateway/src/kubeapi/objects.ts";
import { NodePlane } from "../../rig/cluster/node-plane.ts";
import { RealNodes, type ScheduledPod } from "../../rig/cluster/real-nodes.ts";
import { apply, kubectlOk } from "../../rig/installation.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * Motes do not harm real Nodes in the same cluster. MOTELET_SOAK=1: 500 motes fall silent, with Kubernetes' own times;
 * otherwise a few, and a shorter grace than the default 50 s (longer than a Lease's 22 s between renewals).
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const scale = soak
  ? { silent: 500, heartbeatS: 10, afterMs: 30_000, unknownWithinMs: 60_000 }
  : { silent: 60, heartbeatS: 2, afterMs: 2_000, graceS: 28, unknownWithinMs: 38_000 };
const zones = ["a", "b", "c"] as const;
const workers = zones.flatMap((zone) => [1, 2].map((index) => ({ name: `real-${zone}${index}`, zone })));
const doomed = { name: "doomed", zone: "a", taints: [{ key: "example.com/doomed", effect: "NoSchedule" }] };

const template = (app: string, version: number, spec: object) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: "c", image: "example.com/c:1", env: [{ name: "VERSION", value: String(version) }] }],
    ...spec,
  },
});

function deployment(app: string, topologyKey: string): object {
  const constraint = {
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: { app } },
  };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: app, namespace: "default" },
    spec: {
      replicas: 6,
      selector: { matchLabels: { app } },
      template: template(app, 1, { topologySpreadConstraints: [constraint] }),
    },
  };
}

function daemonSet(app: string, version: number, spec: object = {}): object {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: app, namespace: "default" },
    spec: { selector: { matchLabels: { app } }, template: template(app, version, spec) },
  };
}

/** Deployments spread by zone and by hostname and a DaemonSet that is rolled out: which domains their Pods are in. */
async function placements(rig: NodePlane): Promise<Readonly<Record<string, readonly string[]>>> {
  const { plane, kube } = rig;
  const zoneOf = new Map(workers.map(({ name, zone }) => [name, zone]));
  const rollOut = async (kind: string, name: string) => {
    await kubectlOk(plane, "rollout", "status", `${kind}/${name}`, "--timeout=60s");
  };
  await apply(plane, JSON.stringify(deployment("by-zone", "topology.kubernetes.io/zone")));
  await apply(plane, JSON.stringify(deployment("by-host", "kubernetes.io/hostname")));
  await apply(plane, JSON.stringify(daemonSet("agent", 1)));
  await rollOut("deployment", "by-zone");
  await rollOut("deployment", "by-host");
  await rollOut("daemonset", "agent");
  await apply(plane, JSON.stringify(daemonSet("agent", 2)));
  await rollOut("daemonset", "agent");
  const nodesOf = async (app: string) => {
    const { items } = await kube.get<KubeList<ScheduledPod>>("/api/v1/namespaces/default/pods", {
      query: { labelSelector: `app=${app}` },
    });
    return items
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .map(({ spec }) => spec.nodeName ?? "nowhere");
  };
  const placed = {
    "by-zone": (await nodesOf("by-zone")).map((node) => zoneOf.get(node) ?? node).sort(),
    "by-host": (await nodesOf("by-host")).sort(),
    agent: (await nodesOf("agent")).sort(),
  };
  const all = ["deployment/by-zone", "deployment/by-host", "daemonset/agent"];
  await kubectlOk(plane, "delete", ...all, "--cascade=foreground", "--timeout=60s");
  return placed;
}

test("real Nodes are none the worse for motes beside them", { timeout: 400_000 }, async (t) => {
  await using rig = await NodePlane.start({
    controlPlane: {
      nodeMonitorPeriodS: soak ? 5 : 1,
      ...(scale.graceS ? { nodeMonitorGraceS: scale.graceS } : {}),
    },
    settings: { "session.heartbeatS": String(scale.heartbeatS) },
  });
  const { ready, plane } = rig;
  await using real = await RealNodes.start(rig.kube, [...workers, doomed]);
  const without = await placements(rig);
  assert.deepEqual(without["by-zone"], ["a", "a", "b", "b", "c", "c"]);

  const motes = Array.from({ length: 10 }, (_, index) => `mote${index}`);
  const quiet = Array.from({ length: scale.silent }, (_, index) => `s${index}`);
  await rig.bringUp(motes);
  const silent = await rig.bringUp(quiet, { deadlineMs: 120_000 });

  // The two take their time side by side.
  const death = t.test(
    `a real Node that stops after ${scale.silent} motes fell silent is Unknown`,
    async (t) => {
      const silentMs = performance.now();
      for (const device of silent) device.freeze();
      await delay(scale.afterMs);
      const stoppedMs = performance.now();
      real.fail("doomed");
      await waitFor(() => ready.statusOf("doomed") === "Unknown", {
        what: "the real Node to be Unknown",
        deadlineMs: 120_000,
      });
      const tookMs = (ready.first("doomed", "Unknown", stoppedMs)?.atMs ?? Number.NaN) - stoppedMs;
      const notReady = ready.count(quiet, "False");
      t.diagnostic(
        `Unknown ${Math.round(tookMs)} ms after its last sign of life was due to go on; ${notReady} motes NotReady by then, ` +
          `${ready.count(quiet, "Unknown")} Unknown; first and last NotReady after ` +
          `${quiet
            .map((name) => ready.first(name, "False", silentMs)?.atMs ?? Number.NaN)
            .filter((atMs) => atMs > 0)
            .sort((a, b) => a - b)
            .filter((_, index, all) => index === 0 || index === all.length - 1)
            .map((atMs) => `${Math.round(atMs - silentMs)} ms`)
            .join(" and ")}`,
      );
      assert.ok(tookMs <= scale.unknownWithinMs, `${tookMs} ms`);
      assert.equal(ready.count(quiet, "Unknown"), 0);
      assert.equal(
        ready.count(
          workers.map(({ name }) => name),
          "True",
        ),
        workers.length,
      );
    },
  );

  await t.test(
    "Deployments spread by zone and hostname and a DaemonSet's rollout place as without motes",
    async (t) => {
      const beside = await placements(rig);
      assert.deepEqual(beside, without);
      t.diagnostic(
        Object.entries(beside)
          .map(([app, domains]) => `${app}: ${domains.join(" ")}`)
          .join("; "),
      );
    },
  );

  await t.test("a DaemonSet that tolerates everything is named by an Event, with the cure", async (t) => {
    const tolerant = { tolerations: [{ operator: "Exists" }] };
    await apply(plane, JSON.stringify(daemonSet("everywhere", 1, tolerant)));
    const events = () =>
      kubectlOk(
        plane,
        "get",
        "events",
        "-A",
        "-o",
        'jsonpath={range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.reason}: {.message}{"\\n"}{end}',
      );
    const named = await waitFor(
      async () =>
        (await events()).split("\n").find((line) => /^DaemonSet\/everywhere ReachesMotes/.test(line)),
      { what: "an Event about the DaemonSet", deadlineMs: 30_000, intervalMs: 500 },
    );
    t.diagnostic(named);
    assert.match(named, /kubernetes\.io\/os: linux/);
    const cured = { ...tolerant, nodeSelector: { "kubernetes.io/os": "linux" } };
    await apply(plane, JSON.stringify(daemonSet("everywhere", 2, cured)));
    await kubectlOk(plane, "rollout", "status", "daemonset/everywhere", "--timeout=60s");
    const { items } = await rig.kube.get<KubeList<ScheduledPod>>("/api/v1/namespaces/default/pods", {
      query: { labelSelector: "app=everywhere" },
    });
    const left = items.filter(
      ({ spec }) => !workers.some(({ name }) => name === spec.nodeName) && spec.nodeName !== "doomed",
    );
    assert.deepEqual(
      left.filter(({ metadata }) => !metadata.deletionTimestamp).map(({ spec }) => spec.nodeName),
      [],
    );
  });
  await death;
});
