import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { KubeObject } from "../../../gateway/src/kubeapi/objects.ts";
import type { Device } from "../../../gateway/src/resources/device.ts";
import { NodePlane } from "../../rig/cluster/node-plane.ts";
import { install, kubectlOk } from "../../rig/installation.ts";
import { runCommand } from "../../rig/run-command.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * Whose a Node is, when names meet, and what is left of motes when a namespace goes, with or without a gateway, and when
 * motelet is uninstalled as docs/operations.md says.
 */

const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

test("names that meet, namespaces that go, and uninstalling", { timeout: 300_000 }, async (t) => {
  await using rig = await NodePlane.start({
    tenants: { tenant: {}, passing: {} },
    settings: { "session.heartbeatS": "2" },
  });
  const { kube, plane, ready } = rig;
  const names = async (path: string) =>
    (await rig.list<KubeObject>(path)).map(({ metadata }) => metadata.name).sort();
  const exists = (path: string) =>
    kube.get<KubeObject>(path).then(
      () => true,
      () => false,
    );
  const within = (what: string, condition: () => unknown, deadlineMs = 30_000) =>
    waitFor(async () => Boolean(await condition()), { what, deadlineMs, intervalMs: 100 });
  const conditionOf = async (name: string) =>
    (
      await kube.get<Device>(`/apis/motelet.dev/v1alpha1/namespaces/default/devices/${name}`)
    ).status?.conditions?.find(({ type }) => type === "Node");

  await t.test("a Device named like a foreign Node leaves it untouched and says why", async (t) => {
    const foreign = await kube.create<KubeObject>("/api/v1/nodes", { metadata: { name: "taken" } });
    const [identity] = await rig.makeDevices(["taken"]);
    if (identity) await rig.rigDevice("taken", identity).device.start();
    await within("the condition", async () => (await conditionOf("taken"))?.reason === "NodeNameConflict");
    t.diagnostic((await conditionOf("taken"))?.message ?? "");
    await within("the Event", async () =>
      (await kubectlOk(plane, "get", "events")).includes("NodeNameConflict"),
    );
    const now = await kube.get<KubeObject>("/api/v1/nodes/taken");
    const written = now.metadata.managedFields ?? [];
    assert.deepEqual(
      written.filter(({ manager }) => manager?.startsWith("motelet")),
      [],
    );
    assert.deepEqual(now.metadata.labels, foreign.metadata.labels);
    assert.equal(await exists(`${leasesPath}/taken`), false);
    assert.equal(await exists("/api/v1/namespaces/default/pods/taken"), false);
    await kube.delete("/api/v1/namespaces/default/pods/taken").catch(() => {});
    await kubectlOk(plane, "delete", "device", "taken", "--timeout=20s");
    assert.equal(await exists("/api/v1/nodes/taken"), true);
  });

  await t.test("two Devices of one name in two namespaces both get Nodes", async () => {
    await rig.bringUp(["lamp"]);
    await rig.bringUp(["lamp"], { namespace: "tenant" });
    await rig.bringUp(["lamp", "door"], { namespace: "passing" });
    assert.deepEqual([ready.statusOf("lamp"), ready.statusOf("tenant.lamp")], ["True", "True"]);
    await within(
      "the Pods",
      async () =>
        (await exists("/api/v1/namespaces/tenant/pods/lamp")) &&
        (await exists("/api/v1/namespaces/passing/pods/door")),
    );
  });

  const gone = async (prefix: string) => {
    const left = [...(await names("/api/v1/nodes")), ...(await names(leasesPath))].filter((name) =>
      name.startsWith(prefix),
    );
    return left.length === 0;
  };

  await t.test("deleting the namespace leaves no Node, Lease or Pod behind", async (t) => {
    const startedMs = performance.now();
    await kubectlOk(plane, "delete", "namespace", "tenant", "--timeout=60s");
    t.diagnostic(`namespace gone after ${Math.round(performance.now() - startedMs)} ms`);
    await within("Node and Lease to go", () => gone("tenant."));
    assert.equal(ready.statusOf("lamp"), "True");
  });

  await t.test(
    "deleting it while no gateway runs ends without one, and the next one removes the Nodes",
    async (t) => {
      await rig.gateway.kill();
      const startedMs = performance.now();
      await kubectlOk(plane, "delete", "namespace", "passing", "--timeout=60s");
      t.diagnostic(`namespace gone after ${Math.round(performance.now() - startedMs)} ms`);
      assert.deepEqual(
        (await names("/api/v1/nodes")).filter((name) => name.startsWith("passing.")),
        ["passing.door", "passing.lamp"],
      );
      await rig.gateway.start();
      await within("Nodes and Leases to go", () => gone("passing."));
      await within("lamp to be Ready", () => ready.statusOf("lamp") === "True");
    },
  );

  const documented = await readFile(
    fileURLToPath(new URL("../../../docs/operations.md", import.meta.url)),
    "utf8",
  );
  /** Runs what the documentation shows, whatever its lines are. */
  const runDocumented = async (begins: string, timeoutMs = 90_000) => {
    const script = [...documented.matchAll(/```sh\n([^`]*)```/g)].find(([, text]) =>
      text?.startsWith(begins),
    )?.[1];
    assert.ok(script, `docs/operations.md shows what begins with ${begins}`);
    const { code, stderr } = await runCommand("sh", ["-euc", script], {
      cwd: fileURLToPath(new URL("../../..", import.meta.url)),
      env: { ...plane.kubectlEnvironment(), PATH: `${dirname(plane.kubectlPath)}:${process.env.PATH}` },
      timeoutMs,
    });
    assert.equal(code, 0, stderr);
  };

  await t.test("uninstalling as docs/operations.md says leaves nothing", async (t) => {
    await rig.bringUp(["bulb", "bell"]);
    const startedMs = performance.now();
    await kubectlOk(plane, "delete", "devices", "--all", "--all-namespaces", "--timeout=30s");
    for (const collection of ["nodes", "pods", "leases"])
      await within(
        `${collection} to go`,
        async () =>
          (await kubectlOk(plane, "get", collection, "-A", "-l", "motelet.dev/device", "-o", "name")) === "",
      );
    await rig.gateway.process.stop();
    await runDocumented("kubectl delete devices");
    t.diagnostic(`uninstalled after ${Math.round(performance.now() - startedMs)} ms`);
    await nothingLeft();
  });

  const leftBehind = async (more: { finalizers?: string[]; terminationGracePeriodSeconds: number }) => {
    await install(plane);
    await within("the namespace's ServiceAccount", () =>
      exists("/api/v1/namespaces/default/serviceaccounts/default"),
    );
    const { finalizers, ...pod } = more;
    const device = {
      apiVersion: "motelet.dev/v1alpha1",
      kind: "Device",
      metadata: { name: "left", ...(finalizers ? { finalizers } : {}) },
    };
    const { uid } = (
      await kube.create<KubeObject>("/apis/motelet.dev/v1alpha1/namespaces/default/devices", device)
    ).metadata;
    const labels = { "motelet.dev/device": "left" };
    await kube.create("/api/v1/nodes", { metadata: { name: "left", labels } });
    const ownerReferences = [{ apiVersion: device.apiVersion, kind: "Device", name: "left", uid }];
    await kube.create("/api/v1/namespaces/default/pods", {
      metadata: { name: "left", labels, ownerReferences },
      spec: { nodeName: "left", containers: [{ name: "device", image: "motelet.dev/firmware/a:1" }], ...pod },
    });
  };

  await t.test("where the gateway is gone already, too", async () => {
    await leftBehind({ terminationGracePeriodSeconds: 0 });
    await runDocumented("kubectl delete devices");
    await nothingLeft();
  });

  await t.test("and of an earlier gateway, whose finalizers the documented command frees", async () => {
    await leftBehind({ finalizers: ["motelet.dev/node"], terminationGracePeriodSeconds: 1 });
    await kubectlOk(plane, "delete", "devices", "--all", "--wait=false");
    await runDocumented("kubectl get devices");
    assert.equal(await exists("/apis/motelet.dev/v1alpha1/namespaces/default/devices/left"), false);
    await runDocumented("kubectl delete devices");
    await nothingLeft();
  });

  async function nothingLeft(): Promise<void> {
    await within(
      "nothing of motelet to be left",
      async () => {
        const kinds =
          "nodes,pods,clusterroles,clusterrolebindings,validatingadmissionpolicies,flowschemas,crds,namespaces";
        const left = (await kubectlOk(plane, "get", kinds, "-A", "-o", "name")).split("\n");
        return left.filter((name) => /motelet|left|bulb|bell/.test(name)).length === 0;
      },
      90_000,
    );
  }
});
