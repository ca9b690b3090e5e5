import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { enrol, nodes, setUp } from "../../test/fakes/mirror-under-test.ts";

const pods = "/api/v1/namespaces/kube-system/pods";

const pod = (name: string, nodeName: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "kube-system", ...more },
  spec: {
    nodeName,
    containers: [{ name: "c", image: "example.com/c:1" }],
    tolerations: [{ operator: "Exists" }],
  },
  status: { phase: "Pending", conditions: [{ type: "PodScheduled", status: "True" }] },
});
const ofDaemonSet = {
  ownerReferences: [{ apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "ds", controller: true }],
};

test("a Pod of others on a mote stays Pending with a reason; its deletion is finished", async () => {
  await using t = await setUp();
  await enrol(t);
  t.server.put(pods, pod("agent-1", "lamp", ofDaemonSet));
  await until("the reason", () =>
    JSON.stringify(t.server.at(`${pods}/agent-1`)?.status).includes("Unsupported"),
  );
  const text = JSON.stringify(t.server.at(`${pods}/agent-1`)?.status);
  for (const kept of ['"phase":"Pending"', '"PodScheduled"']) assert.ok(text.includes(kept), text);
  const known = t.server.at(`${pods}/agent-1`);
  assert.ok(known);
  t.server.put(pods, {
    ...known,
    metadata: { ...known.metadata, deletionTimestamp: "2026-11-21T12:00:00Z" },
  });
  await until("the end", () => t.server.at(`${pods}/agent-1`) === undefined);
  // The server has it before its answer has reached the controller.
  await until(
    "the count",
    async () => (await t.metrics.valueOf("motelet_foreign_pods_finished_total")) === 1,
  );
});

test("the Pods of one DaemonSet on many motes make one Event", async () => {
  await using t = await setUp();
  await enrol(t);
  for (let n = 0; n < 10; n++) t.server.put(pods, pod(`agent-${n}`, "lamp", ofDaemonSet));
  await until("all", async () => (await t.metrics.valueOf("motelet_foreign_pods_explained_total")) === 10);
  const posts = () =>
    t.server.requests.filter(({ method, path }) => method === "POST" && path.includes("kube-system/events"));
  await until("the Event", () => posts().length > 0);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(posts().length, 1);
});

test("a Pod on a Node of another is left alone; one that waits for a mote's Node is found", async () => {
  await using t = await setUp((server) => {
    server.put(nodes, { metadata: { name: "real" } });
    server.put(pods, pod("elsewhere", "real"));
    server.put(pods, pod("early", "lamp"));
  });
  await enrol(t);
  await until("the reason", () =>
    JSON.stringify(t.server.at(`${pods}/early`)?.status).includes("Unsupported"),
  );
  assert.ok(!JSON.stringify(t.server.at(`${pods}/elsewhere`)?.status).includes("Unsupported"));
  assert.equal(t.server.count("DELETE"), 0);
});

test("without the right to see Pods of others everything else works", async () => {
  await using t = await setUp((server) => {
    server.fault = ({ url }) => (url?.startsWith("/api/v1/pods") ? { status: 403 } : undefined);
  });
  await enrol(t);
});
