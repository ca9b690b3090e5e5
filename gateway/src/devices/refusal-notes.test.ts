import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { Metrics } from "../foundation/metrics.ts";
import type { DeviceSpec } from "./device.ts";
import { RefusalNotes } from "./refusal-notes.ts";
import { Registry } from "./registry.ts";

const lamp: DeviceSpec = { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false };
const key = "default/lamp";
const refusal = {
  code: "wrong-password",
  peer: "192.0.2.9",
  unproved: true,
  text: "wrong password",
} as const;

function notes() {
  const clock = new ManualClock();
  const registry = new Registry(() => clock.wallMs());
  const metrics = new Metrics();
  const noted = new RefusalNotes({ registry, clock, metrics });
  let changes = 0;
  registry.changes.subscribe(() => changes++);
  const changed = (work: () => void) => {
    changes = 0;
    work();
    return changes;
  };
  const suppressed = (limit: string) => metrics.valueOf("motelet_refusals_suppressed_total", { limit });
  return { clock, registry, noted, changed, suppressed };
}

test("a refusal is a fact of its device, with its time", () => {
  const { clock, registry, noted } = notes();
  registry.admit(lamp);
  noted.note(key, { ...refusal, detail: "CERT_HAS_EXPIRED" });
  assert.deepEqual(registry.get(key)?.refusal, {
    ...refusal,
    detail: "CERT_HAS_EXPIRED",
    atMs: clock.wallMs(),
  });
});

test("refusals of a device that is paused or not served are not noted", () => {
  const { registry, noted, changed } = notes();
  registry.admit(lamp);
  assert.equal(
    changed(() => noted.note("default/other", refusal)),
    0,
  );
  registry.admit({ ...lamp, paused: true });
  assert.equal(
    changed(() => noted.note(key, refusal)),
    0,
  );
});

test("who is refused because two boards take turns is noted only until both are named", () => {
  const { registry, noted, changed } = notes();
  registry.admit(lamp);
  const note = () => noted.note(key, { ...refusal, code: "take-over-limit" });
  assert.equal(changed(note), 1);
  const user = { peer: "192.0.2.7", boot: 1 };
  registry.learn(key, { duplicate: { users: [user, { ...user, boot: 2 }] } });
  assert.equal(changed(note), 0);
  assert.equal(
    changed(() => noted.note(key, refusal)),
    1,
  );
});

test("one device is noted 4 times at once and then once a minute, whatever comes; the rest is counted", async () => {
  const { clock, registry, noted, changed, suppressed } = notes();
  registry.admit(lamp);
  const flood = () => changed(() => Array.from({ length: 1_000 }, () => noted.note(key, refusal)));
  assert.equal(flood(), 4);
  assert.equal(await suppressed("device"), 996);
  clock.advance(60_000);
  assert.equal(flood(), 1);
  // Whoever is made again begins with nothing against it.
  registry.admit({ ...lamp, uid: "v" });
  assert.equal(flood(), 4);
  registry.remove(key);
  registry.admit({ ...lamp, uid: "v" });
  assert.equal(flood(), 4);
});

test("all devices together are noted 100 times at once and then 10 times a second", async () => {
  const { clock, registry, noted, changed, suppressed } = notes();
  const keys = Array.from({ length: 300 }, (_, index) => {
    const name = `lamp-${index}`;
    registry.admit({ ...lamp, name, uid: name, nodeName: name });
    return `default/${name}`;
  });
  const flood = () => changed(() => keys.map((each) => noted.note(each, refusal)));
  assert.equal(flood(), 100);
  assert.equal(await suppressed("gateway"), 200);
  // What the gateway's limit kept back does not count against the device.
  clock.advance(20_000);
  assert.equal(flood(), 100);
  clock.advance(1_000);
  assert.equal(flood(), 10);
});
