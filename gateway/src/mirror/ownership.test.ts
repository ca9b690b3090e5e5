import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "../resources/node.ts";
import { isServedNode, nodeOwnership } from "./ownership.ts";

const spec = { namespace: "default", name: "lamp", uid: "now", nodeName: "lamp", paused: false };
const node = (owner: string | undefined, providerID?: string, namespace?: string): Node => ({
  metadata: {
    name: "lamp",
    ...(owner === undefined ? {} : { annotations: { "motelet.dev/device-uid": owner } }),
    ...(namespace === undefined ? {} : { labels: { "motelet.dev/namespace": namespace } }),
  },
  ...(providerID === undefined ? {} : { spec: { providerID } }),
});
const ownership = (of: Node, ...alive: string[]) => nodeOwnership(of, { spec }, (uid) => alive.includes(uid));

test("a Node is ours by the Device's UID, whatever else stands there", () => {
  assert.equal(ownership(node("now")), "ours");
  assert.equal(ownership(node("now", "aws:///i-1"), "now"), "ours");
});

test("an earlier Device's Node is adopted only if it was of this very name and that Device is gone", () => {
  assert.equal(ownership(node("before", "motelet://default/lamp")), "adoptable");
  assert.equal(ownership(node("before", "motelet://default/lamp"), "before"), "foreign");
  assert.equal(ownership(node("before", "motelet://other/lamp")), "foreign");
  assert.equal(ownership(node("before")), "foreign");
  assert.equal(ownership(node(undefined, "motelet://default/lamp")), "foreign");
  assert.equal(ownership(node(undefined)), "foreign");
});

test("a gateway keeps the Nodes of motes of its namespaces, and of all where it serves all", () => {
  assert.equal(isServedNode(node("u", "", "default"), ["default"]), true);
  assert.equal(isServedNode(node("u", "", "other"), ["default"]), false);
  assert.equal(isServedNode(node("u", "", "other"), "all"), true);
  assert.equal(isServedNode(node("u"), "all"), false);
  assert.equal(isServedNode(node(undefined, "", "default"), ["default"]), false);
});
