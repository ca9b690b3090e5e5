import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { device, devices, nodes, setUp } from "../../test/fakes/mirror-under-test.ts";
import { ChangeFeed } from "../foundation/change-feed.ts";
import { Metrics } from "../foundation/metrics.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import type { Node } from "../resources/node.ts";
import { PodCidrBudget } from "./pod-cidr-budget.ts";

const node = (name: string, podCIDR?: string): Node => ({
  metadata: { name },
  spec: podCIDR === undefined ? {} : { podCIDR },
});

function build(maxNodes: number) {
  const clock = new ManualClock();
  const changes = new ChangeFeed<string>();
  const stored = new Map<string, Node>();
  const store = { changes, get: (name: string) => stored.get(name), list: () => [] };
  const budget = new PodCidrBudget({ nodes: store, clock, metrics: new Metrics(), maxNodes });
  const around = (...items: Node[]) =>
    budget.lookAround(
      { get: async () => ({ metadata: {}, items }) } as unknown as KubeClient,
      AbortSignal.any([]),
    );
  const seen = (name: string, podCIDR?: string) => {
    stored.set(name, node(name, podCIDR));
    changes.publish(name);
  };
  const gone = (name: string) => {
    stored.delete(name);
    changes.publish(name);
  };
  return { clock, seen, gone, budget, around };
}

test("where no Node has a range any number of motes is created", () => {
  const { budget } = build(2);
  for (let n = 0; n < 100; n++) assert.equal(budget.reserve(`mote-${n}`), true);
});

test("once a mote received a range, creation stops at the limit; a Node that goes makes room", () => {
  const { budget, seen, gone } = build(3);
  seen("a", "10.0.0.0/24");
  seen("b");
  assert.equal(budget.reserve("c"), true);
  assert.equal(budget.reserve("d"), false);
  budget.release("c");
  assert.equal(budget.reserve("d"), true);
  gone("b");
  assert.equal(budget.reserve("e"), true);
  assert.equal(budget.reserve("f"), false);
});

test("beside real Nodes with ranges the limit holds until motes are seen to get none", async () => {
  const { budget, clock, around } = build(2);
  await around(node("real", "10.0.0.0/24"));
  assert.equal(budget.reserve("a"), true);
  assert.equal(budget.reserve("b"), true);
  clock.advance(14_999);
  assert.equal(budget.reserve("c"), false);
  clock.advance(1);
  assert.equal(budget.reserve("c"), true);
});

test("a device beyond the budget is told why, and gets its Node when there is room", async () => {
  await using t = await setUp(
    (server) => {
      server.put(nodes, { metadata: { name: "real" }, spec: { podCIDR: "10.0.0.0/24" } });
    },
    { maxNodesWithPodCidr: 1 },
  );
  for (const name of ["first", "second"]) t.server.put(devices, device(name));
  await until("admission", () => t.registry.list().length === 2);
  t.registry.learn("default/first", { phase: "Online" });
  await until("its Node", () => t.server.at(`${nodes}/first`) !== undefined);
  t.registry.learn("default/second", { phase: "Online" });
  const status = () => JSON.stringify(t.server.at(`${devices}/second`)?.status ?? "");
  await until("the reason", () => status().includes("PodCIDRBudget"));
  assert.equal(t.server.at(`${nodes}/second`), undefined);
  t.server.remove(`${devices}/first`);
  await until("the first Node to go", () => t.server.at(`${nodes}/first`) === undefined);
  t.clock.advance(30_000);
  await until("the second Node", () => t.server.at(`${nodes}/second`) !== undefined);
});
