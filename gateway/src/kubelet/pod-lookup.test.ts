import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts } from "../devices/device.ts";
import { expectOnline } from "./pod-lookup.ts";

const facts = (more: Partial<DeviceFacts>): DeviceFacts => ({
  key: "default/lamp",
  spec: { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false },
  phase: "Online",
  phaseSinceMs: 0,
  hardware: {},
  capabilities: [],
  ...more,
});
const noonMs = Date.parse("2026-11-21T12:00:00Z");

test("who sleeps is said to, and until when, unless its Device says to wait", () => {
  const asleep = facts({ phase: "Asleep", asleepUntilMs: noonMs });
  assert.throws(() => expectOnline(asleep), {
    name: "UnavailableError",
    code: "DEVICE_ASLEEP",
    message: "device default/lamp is asleep until 2026-11-21T12:00:00.000Z",
  });
  expectOnline({ ...asleep, spec: { ...asleep.spec, sleep: { wait: true } } });
  assert.throws(() => expectOnline({ ...asleep, spec: { ...asleep.spec, sleep: { wait: false } } }), {
    code: "DEVICE_ASLEEP",
  });
});

test("who is away is said to be, and since when, whatever its Device says of sleep", () => {
  const offline = facts({ phase: "Offline", lastSeenMs: noonMs });
  assert.throws(() => expectOnline({ ...offline, spec: { ...offline.spec, sleep: { wait: true } } }), {
    code: "DEVICE_OFFLINE",
    message: "device default/lamp is offline (last seen 2026-11-21T12:00:00.000Z)",
  });
  assert.throws(() => expectOnline(facts({ phase: "Offline" })), { message: /never seen/ });
  expectOnline(facts({}));
});
