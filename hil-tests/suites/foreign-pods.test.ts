import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { NodePlane } from "../rig/cluster/node-plane.ts";
import { apply, kubectlOk } from "../rig/installation.ts";
import { waitFor } from "../rig/wait.ts";

/* Workloads of others that reach motes' Nodes, with the real controllers behind them. */

const motes = ["lamp", "fan"] as const;
const namespace = "elsewhere";
const tolerations = [{ operator: "Exists" }];

interface ForeignPod {
  readonly metadata: { readonly name: string; readonly uid: string; readonly deletionTimestamp?: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: { readonly phase?: string; readonly reason?: string; readonly message?: string };
}

const workload = (kind: "Deployment" | "DaemonSet", name: string, version: number, more: object = {}) =>
  JSON.stringify({
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          tolerations,
          containers: [{ name: "c", image: "example.com/c:1", env: [{ name: "V", value: String(version) }] }],
        },
      },
      ...more,
    },
  });

async function podsOf(rig: NodePlane, app: string): Promise<readonly ForeignPod[]> {
  const text = await kubectlOk(rig.plane, "get", "pods", "-n", namespace, "-l", `app=${app}`, "-o", "json");
  return (JSON.parse(text) as { items: ForeignPod[] }).items;
}

const waits = ({ status }: ForeignPod) => status.phase === "Pending" && status.reason === "Unsupported";

async function eventsIn(rig: NodePlane): Promise<string> {
  return await kubectlOk(
    rig.plane,
    "get",
    "events",
    "-n",
    namespace,
    "-o",
    'jsonpath={range .items[*]}{.involvedObject.kind}/{.involvedObject.name} {.reason} {.count}: {.message}{"\\n"}{end}',
  );
}

test("workloads of others on motes", { timeout: 240_000 }, async (t: TestContext) => {
  await using rig = await NodePlane.start();
  await rig.bringUp(motes);
  await kubectlOk(rig.plane, "create", "namespace", namespace);
  const within = (what: string, condition: () => Promise<boolean>) =>
    waitFor(condition, { what, deadlineMs: 40_000, intervalMs: 500 });

  await t.test(
    "a Deployment's Pods stay Pending with the reason, and are not replaced for ever",
    async (t) => {
      await apply(rig.plane, workload("Deployment", "web", 1, { replicas: 6 }));
      await within("six Pods that say why", async () => {
        const pods = await podsOf(rig, "web");
        return pods.length === 6 && pods.every(waits);
      });
      const first = await podsOf(rig, "web");
      assert.deepEqual(new Set(first.map(({ spec }) => spec.nodeName)), new Set<string | undefined>(motes));
      // A failed Pod would be replaced within a second: 202 of them in 30 s were seen.
      await within("an Event of each", async () => {
        const told = await eventsIn(rig);
        return first.every(({ metadata }) => told.includes(`Pod/${metadata.name} Unsupported `));
      });
      const later = await podsOf(rig, "web");
      const uids = (pods: readonly ForeignPod[]) => pods.map(({ metadata }) => metadata.uid).sort();
      assert.deepEqual(uids(later), uids(first));
      t.diagnostic(later[0]?.status.message ?? "");
    },
  );

  await t.test(
    "a rollout, a scale-down and a deletion end: the gateway finishes what a kubelet would",
    async () => {
      const before = new Set((await podsOf(rig, "web")).map(({ metadata }) => metadata.uid));
      await apply(
        rig.plane,
        workload("Deployment", "web", 2, { replicas: 2, strategy: { type: "Recreate" } }),
      );
      await within("two new Pods and no old ones", async () => {
        const pods = await podsOf(rig, "web");
        return pods.length === 2 && pods.every((pod) => waits(pod) && !before.has(pod.metadata.uid));
      });
      await kubectlOk(rig.plane, "delete", "deployment", "web", "-n", namespace, "--wait=false");
      await within("no Pod of it", async () => (await podsOf(rig, "web")).length === 0);
    },
  );

  await t.test("a DaemonSet on every mote is named once, with the cure, and the cure helps", async () => {
    await apply(rig.plane, workload("DaemonSet", "agent", 1));
    await within("a Pod on each mote that says why", async () => {
      const pods = await podsOf(rig, "agent");
      return pods.length === motes.length && pods.every(waits);
    });
    await within("the Event", async () => /DaemonSet\/agent ReachesMotes/.test(await eventsIn(rig)));
    const named = (await eventsIn(rig))
      .split("\n")
      .filter((line) => line.startsWith("DaemonSet/agent Reaches"));
    assert.equal(named.length, 1, named.join("\n"));
    assert.match(named[0] ?? "", /nodeSelector kubernetes\.io\/os: linux/);
    await kubectlOk(
      rig.plane,
      "patch",
      "daemonset",
      "agent",
      "-n",
      namespace,
      "--type=merge",
      '--patch={"spec":{"template":{"spec":{"nodeSelector":{"kubernetes.io/os":"linux"}}}}}',
    );
    await within("no Pod of it on a mote", async () => (await podsOf(rig, "agent")).length === 0);
    await kubectlOk(rig.plane, "rollout", "status", "daemonset/agent", "-n", namespace, "--timeout=30s");
  });

  await t.test("their namespace can be deleted while they wait", async () => {
    await apply(rig.plane, workload("Deployment", "web", 1, { replicas: 3 }));
    await within("three Pods that say why", async () => {
      const pods = await podsOf(rig, "web");
      return pods.length === 3 && pods.every(waits);
    });
    await kubectlOk(rig.plane, "delete", "namespace", namespace, "--timeout=60s");
  });
});
