import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts } from "../devices/device.ts";
import { type Device, deviceStatus } from "./device.ts";

const device: Device = { metadata: { name: "lamp", namespace: "default", uid: "u" } };
const facts = (named: readonly string[], has: readonly string[]): DeviceFacts => ({
  key: "default/lamp",
  spec: {
    namespace: "default",
    name: "lamp",
    uid: "u",
    nodeName: "lamp",
    paused: false,
    peripherals: named,
  },
  phase: "Online",
  phaseSinceMs: 0,
  hardware: {},
  capabilities: [],
  peripherals: has,
});
const named = (count: number) => Array.from({ length: count }, (_, index) => `relay${index}`);

test("as many peripherals as the limit are written, of one more those that the profile names come first", () => {
  const told = (names: readonly string[], has: readonly string[]) =>
    deviceStatus(device, facts(names, has), [], 0).peripherals;
  assert.deepEqual(told(["relay0"], named(64)), named(64));
  const beyond = told(["relay64", "gone0"], named(65));
  assert.deepEqual(beyond, ["relay64", ...named(63)]);
});
