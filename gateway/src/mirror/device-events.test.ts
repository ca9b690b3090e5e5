import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts } from "../devices/device.ts";
import { refusalTextOf } from "../devices/refusals.ts";
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

test("two boards of one identity are told once, by name, and their boots are no reboots", () => {
  const users = [
    { peer: "192.0.2.7:40112", hardwareId: "aa", boot: 1 },
    { peer: "192.0.2.9:50233", hardwareId: "bb", boot: 2 },
  ] as const;
  const duplicate = { users };
  const [event, ...others] = eventsOf(facts({ boot: 2 }), facts({ boot: 1, duplicate }));
  assert.deepEqual(others, []);
  assert.deepEqual([event?.type, event?.reason], ["Warning", "DuplicateIdentity"]);
  assert.match(
    event?.message ?? "",
    /192\.0\.2\.7:40112 \(hardware aa, boot 1\) and 192\.0\.2\.9:50233 \(hardware bb, boot 2\)/,
  );
  assert.deepEqual(reasons(facts({ boot: 1, duplicate }), facts({ boot: 2, duplicate })), []);
  assert.deepEqual(reasons(facts({ boot: 1, duplicate }), facts({ boot: 1 })), []);
  assert.deepEqual(reasons(facts({ boot: 1 }), facts({ boot: 2 })), ["Rebooted"]);
});

test("a reboot names its cause, and is a warning where something went wrong", () => {
  const reboot = (resetCause?: number) =>
    eventsOf(facts({ boot: 1 }), facts({ boot: 2, ...(resetCause === undefined ? {} : { resetCause }) }))[0];
  assert.deepEqual(reboot(1), {
    type: "Normal",
    reason: "Rebooted",
    message: "the device rebooted after power-on",
  });
  assert.deepEqual(reboot(6), {
    type: "Warning",
    reason: "Rebooted",
    message: "the device rebooted after a panic",
  });
  for (const unknown of [undefined, 0, 8, 23])
    assert.match(reboot(unknown)?.message ?? "", /for an unknown cause/);
});

test("texts of repetitions are equal, so that they become one Event", () => {
  const online = (port: number, boot: number) =>
    eventsOf(
      facts({ phase: "Offline", boot: boot - 1 }),
      facts({ boot, link: { carrier: "mqtt", peer: `192.0.2.1:${port}`, sinceMs: port } }),
    );
  assert.deepEqual(online(50_000, 2), online(50_001, 3));
});

test("each refusal that is noted is told with its peer and reason, what a person does by pausing is not", () => {
  const refusal = (code: string) => ({
    refusal: { code, peer: "192.0.2.9", ...refusalTextOf(code)!, atMs: 0 },
  });
  const first = facts(refusal("wrong-password"));
  assert.deepEqual(eventsOf(facts(), first), [
    {
      type: "Warning",
      reason: "AuthenticationFailed",
      message: "a client at 192.0.2.9 was refused: wrong password (wrong-password)",
    },
  ]);
  assert.deepEqual(reasons(first, { ...first, lastSeenMs: 1 }), []);
  assert.deepEqual(reasons(first, facts(refusal("wrong-password"))), ["AuthenticationFailed"]);
  assert.deepEqual(reasons(first, facts(refusal("other-hardware"))), ["ConnectionRefused"]);
  assert.deepEqual(reasons(first, facts()), []);
  const paused = facts({ phase: "Offline" });
  assert.deepEqual(reasons(facts(), { ...paused, spec: { ...paused.spec, paused: true } }), []);
});

test("what the profile names and the firmware lacks is told once, and again where it is another part", () => {
  const spec = { ...facts().spec, peripherals: ["relay0", "fan0"] };
  const told = (before: DeviceFacts, after: DeviceFacts) =>
    eventsOf(before, after).map(({ type, reason, message }) => `${type} ${reason} ${message}`);
  const unknown = facts({ spec });
  const missing = facts({ spec, peripherals: ["relay0"] });
  assert.deepEqual(told(unknown, missing), [
    "Warning PeripheralsMissing the firmware lacks fan0, which the profile names",
  ]);
  assert.deepEqual(told(missing, { ...missing, lastSeenMs: 5 }), []);
  assert.deepEqual(told(missing, facts({ spec, peripherals: ["relay0", "fan0"] })), []);
  assert.deepEqual(told(missing, facts({ spec, peripherals: [] })), [
    "Warning PeripheralsMissing the firmware lacks relay0, fan0, which the profile names",
  ]);
});
