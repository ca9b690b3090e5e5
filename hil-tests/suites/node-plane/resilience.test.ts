import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { KubeObject } from "../../../gateway/src/kubeapi/objects.ts";
import type { Device } from "../../../gateway/src/resources/device.ts";
import { NodePlane, stepClockFlag } from "../../rig/cluster/node-plane.ts";
import { apply, gatewayAccount, gatewayNamespace, kubectlOk } from "../../rig/installation.ts";
import { runCommand } from "../../rig/run-command.ts";
import { waitFor } from "../../rig/wait.ts";

/*
 * What happens to gateways in clusters: etcd forgets its history, the API server says "later", the disk is full, the way to the
 * API server swallows what is sent, the time of day jumps; and through all of it no Node leaves Ready that has a device.
 * MOTELET_SOAK=1: each lasts longer.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const lengths = soak
  ? { laterMs: 30_000, fullMs: 30_000, quietMs: 60_000 }
  : { laterMs: 5_000, fullMs: 4_000, quietMs: 0 };
const devicesPath = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";

test("what clusters do to gateways", { timeout: 400_000 }, async (t) => {
  await using rig = await NodePlane.start({
    proxied: true,
    settings: { "session.heartbeatS": "2" },
    nodeFlags: [stepClockFlag],
  });
  const { kube, plane, ready, gateway, apiProxy } = rig;
  const steady = Array.from({ length: 5 }, (_, index) => `steady${index}`);
  const devices = await rig.bringUp([...steady, "coming"]);
  const coming = devices.at(-1);
  const fromMs = performance.now();
  const within = (what: string, condition: () => unknown, deadlineMs = 30_000) =>
    waitFor(async () => Boolean(await condition()), { what, deadlineMs, intervalMs: 100 });
  const readyz = async () =>
    await (await fetch(`http://127.0.0.1:${gateway.ports.operations}/readyz`)).text();
  const exists = (path: string) =>
    kube.get<KubeObject>(path).then(
      () => true,
      () => false,
    );
  await rig.stepGatewayClock(3_600_000);

  await t.test("etcd's compaction while the gateway was cut off: everything is read again", async (t) => {
    const lists = await gateway.metric("motelet_informer_lists_total");
    await rig.makeDevices(["going"]);
    apiProxy.reset();
    await kubectlOk(plane, "delete", "device", "going", "--wait=false");
    await kube.patch(
      `${devicesPath}/steady0`,
      { spec: { node: { labels: { "example.com/while": "away" } } } },
      "merge",
    );
    const current = (await kube.get<Device>(`${devicesPath}/steady0`)).metadata.resourceVersion;
    const compaction = await fetch(`${plane.etcdUrl}/v3/kv/compaction`, {
      method: "POST",
      body: JSON.stringify({ revision: current, physical: true }),
    });
    assert.equal(compaction.status, 200, await compaction.text());
    // The API server's own cache would know what etcd has forgotten.
    await plane.restartApiServer();
    apiProxy.pass();
    await within(
      "the label",
      () => ready.nodes.get("steady0")?.metadata.labels?.["example.com/while"] === "away",
    );
    await within("the deletion", async () => !(await exists(`${devicesPath}/going`)));
    const again = (await gateway.metric("motelet_informer_lists_total")) - lists;
    t.diagnostic(`${again} collections listed again`);
    assert.ok(again >= 1);
  });

  await t.test("429 with Retry-After: it comes later, and less", async (t) => {
    const retries = await gateway.metric("motelet_kube_retries_total");
    await apply(plane, `${JSON.stringify(nothing)}\n---\n${JSON.stringify(forTheGateway)}`);
    // A refusal proves that the rule holds.
    await within("a 429", async () => {
      await kube.patch(
        `${devicesPath}/steady1`,
        { spec: { node: { labels: { "example.com/n": String(performance.now() | 0) } } } },
        "merge",
      );
      return (await gateway.metric("motelet_kube_requests_total", { code: "429" })) > 0;
    });
    const atMs = performance.now();
    const requests = await gateway.metric("motelet_kube_requests_total", { code: "429" });
    coming?.freeze();
    await delay(lengths.laterMs);
    const refused = (await gateway.metric("motelet_kube_requests_total", { code: "429" })) - requests;
    const seconds = (performance.now() - atMs) / 1000;
    await kubectlOk(plane, "delete", "flowschema", forTheGateway.metadata.name);
    await kubectlOk(plane, "delete", "prioritylevelconfiguration", nothing.metadata.name);
    const freeMs = performance.now();
    await within("the news of the device that is gone", () => ready.statusOf("coming") === "False");
    t.diagnostic(
      `${refused} refusals in ${seconds.toFixed(1)} s, ${(await gateway.metric("motelet_kube_retries_total")) - retries} repeats as told; ` +
        `news ${Math.round(performance.now() - freeMs)} ms after the end`,
    );
    // Eight workers that come again each second at most, and a back-off in between.
    assert.ok(refused <= 10 * seconds, `${refused} requests in ${seconds} s`);
    coming?.thaw();
    await within("its return", () => ready.statusOf("coming") === "True");
  });

  await rig.stepGatewayClock(-7_200_000);

  await t.test(
    "a full disk: devices stay and keep their reports, readyz says why; with room all is stored",
    async (t) => {
      const limit = async (bytes: string) => {
        const { code, stderr } = await runCommand("prlimit", [
          `--pid=${gateway.process.pid}`,
          `--fsize=${bytes}:unlimited`,
        ]);
        assert.equal(code, 0, stderr);
      };
      await within("nothing unsaid", () => devices.every(({ device }) => device.waitingReports === 0));
      await limit("4096");
      for (const { device } of devices) device.log("written on a full disk");
      await within("readyz to say so", async () => (await readyz()).startsWith("store: "));
      t.diagnostic(await readyz());
      assert.ok((await gateway.metric("motelet_store_failures_total")) > 0);
      const fullMs = performance.now();
      await delay(lengths.fullMs);
      for (const { name, device, states } of devices) {
        assert.ok(device.waitingReports > 0, name);
        assert.deepEqual(
          states.filter(({ atMs, state }) => atMs > fullMs && state !== "online"),
          [],
          name,
        );
      }
      await limit("unlimited");
      await within("all reports to be stored", () =>
        devices.every(({ device }) => device.waitingReports === 0),
      );
      await within("readyz", async () => (await readyz()) === "ok\n");
      const logs = await kubectlOk(plane, "logs", "steady2");
      assert.match(logs, /written on a full disk/);
    },
  );

  await t.test(
    "connections to the API server that swallow everything: Leases and news find another way",
    async (t) => {
      const renewals = () => gateway.metric("motelet_lease_renewals_total");
      const before = await renewals();
      apiProxy.forgetConnections();
      const cutMs = performance.now();
      coming?.freeze();
      await within("the news of the device that is gone", () => ready.statusOf("coming") === "False", 60_000);
      const newsMs = performance.now() - cutMs;
      await kube.patch(
        `${devicesPath}/steady3`,
        { spec: { node: { labels: { "example.com/read": "again" } } } },
        "merge",
      );
      await within(
        "the gateway to hear what people want",
        () => ready.nodes.get("steady3")?.metadata.labels?.["example.com/read"] === "again",
        60_000,
      );
      const heardMs = performance.now() - cutMs;
      await within(
        "all Leases to be renewed",
        async () => (await renewals()) - before >= devices.length,
        60_000,
      );
      t.diagnostic(
        `written again after ${Math.round(newsMs)} ms, read again after ${Math.round(heardMs)} ms, all Leases after ${Math.round(performance.now() - cutMs)} ms`,
      );
      await delay(lengths.quietMs);
      coming?.thaw();
      await within("its return", () => ready.statusOf("coming") === "True");
    },
  );

  await t.test(
    "through all of it, and a time of day that jumped by +1 h and -2 h, no other Node left Ready",
    () => {
      assert.deepEqual(
        ready.since(fromMs).filter(({ node }) => steady.includes(node)),
        [],
      );
      for (const { name, states } of devices.filter(({ name }) => steady.includes(name)))
        assert.deepEqual(
          states.filter(({ atMs, state }) => atMs > fromMs && state !== "online"),
          [],
          name,
        );
    },
  );
});

/** No seats at all, and none to borrow. */
const nothing = {
  apiVersion: "flowcontrol.apiserver.k8s.io/v1",
  kind: "PriorityLevelConfiguration",
  metadata: { name: "nothing" },
  spec: {
    type: "Limited",
    limited: { nominalConcurrencyShares: 0, borrowingLimitPercent: 0, limitResponse: { type: "Reject" } },
  },
};

const forTheGateway = {
  apiVersion: "flowcontrol.apiserver.k8s.io/v1",
  kind: "FlowSchema",
  metadata: { name: "nothing-for-the-gateway" },
  spec: {
    priorityLevelConfiguration: { name: "nothing" },
    matchingPrecedence: 2,
    rules: [
      {
        subjects: [
          { kind: "ServiceAccount", serviceAccount: { name: gatewayAccount, namespace: gatewayNamespace } },
        ],
        resourceRules: [
          {
            apiGroups: ["", "motelet.dev"],
            resources: ["*"],
            verbs: ["*"],
            clusterScope: true,
            namespaces: ["*"],
          },
        ],
      },
    ],
  },
};
