import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeviceFacts, deviceKey } from "../devices/device.ts";
import { desiredStatus, type Node } from "./node.ts";

const facts: DeviceFacts = {
  key: deviceKey("default", "lamp"),
  spec: { namespace: "default", name: "lamp", uid: "uid", nodeName: "lamp", paused: false },
  phase: "Online",
  phaseSinceMs: 0,
  hardware: {},
  capabilities: [],
};

function declared(servedVersion: string, declaresWebSockets: boolean, current?: readonly string[]) {
  const status = current ? { declaredFeatures: current } : {};
  const node: Node = { apiVersion: "v1", kind: "Node", metadata: { name: "lamp" }, status };
  const endpoint = {
    address: "192.0.2.10",
    port: 10_250,
    moteletVersion: "0.1.0",
    servedVersion,
    declaresWebSockets,
  };
  return desiredStatus(node, facts, endpoint, 0).declaredFeatures;
}

test("a Node declares WebSockets only where that is switched on and the API server knows it", () => {
  assert.equal(declared("v1.37.1", false), undefined);
  assert.equal(declared("v1.35.4", true), undefined);
  assert.deepEqual(declared("v1.36.0", true), ["ExtendWebSocketsToKubelet"]);
});

test("switched off again it is taken back, and what others declare stays, in order", () => {
  const both = ["ExtendWebSocketsToKubelet", "GuaranteedQoSPodCPUResize"];
  assert.deepEqual(declared("v1.37.1", false, both), ["GuaranteedQoSPodCPUResize"]);
  assert.deepEqual(declared("v1.37.1", true, ["GuaranteedQoSPodCPUResize"]), both);
  assert.equal(declared("v1.37.1", false, ["ExtendWebSocketsToKubelet"]), undefined);
});
