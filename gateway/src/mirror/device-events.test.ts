import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts } from "../devices/device.ts";
import { eventsOf } from "./device-events.ts";

const facts = (more: Partial<DeviceFacts> = {}): DeviceFacts => ({
  key: "default/lamp",
  spec: { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false },
  phase: "Online",
  phaseSinceMs: 0,
  hardware: {},
  capabilities: [],
  ...more,
});
const reasons = (before: DeviceFacts | undefined, after: DeviceFacts) =>
  eventsOf(before, after).map(({ reason }) => reason);

test("the first hello is Enrolled, later returns are Online", () => {
  assert.deepEqual(reasons(facts({ phase: "Pending" }), facts()), ["Enrolled"]);
  assert.deepEqual(reasons(facts({ phase: "Offline" }), facts()), ["Online"]);
  assert.deepEqual(reasons(facts(), facts({ phase: "Offline" })), ["Offline"]);
  assert.deepEqual(reasons(facts(), facts({ phase: "Asleep" })), ["Asleep"]);
});

test("first sight, the same again, and another Device of the name are no news", () => {
  assert.deepEqual(reasons(undefined, facts()), []);
  assert.deepEqual(reasons(facts(), facts({ lastSeenMs: 5 })), []);
  const earlier = facts({ phase: "Offline" });
  assert.deepEqual(reasons({ ...earlier, spec: { ...earlier.spec, uid: "v" } }, facts()), []);
});

test("a new boot and another carrier are told", () => {
  assert.deepEqual(reasons(facts({ boot: 1 }), facts({ boot: 2 })), ["Rebooted"]);
  const link = (carrier: "mqtt" | "serial") => ({ link: { carrier, peer: "p", sinceMs: 0 } });
  assert.deepEqual(reasons(facts(link("mqtt")), facts(link("serial"))), ["LinkChanged"]);
});
