import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceFacts, DeviceSpec } from "../devices/device.ts";
import { Registry } from "../devices/registry.ts";
import { conditionFigures } from "../resources/node-conditions.ts";
import { ShownFacts } from "./shown-facts.ts";

const key = "default/lamp";
const spec: DeviceSpec = { namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false };

function build(figures?: (facts: DeviceFacts) => string) {
  const registry = new Registry(() => 0);
  registry.admit(spec);
  const shown = new ShownFacts(registry, figures);
  shown.changed(key);
  return {
    registry,
    changes: (learnt: Parameters<Registry["learn"]>[1]) => {
      registry.learn(key, learnt);
      return shown.changed(key);
    },
    shown,
  };
}

test("a device that only lives changes nothing that is shown", () => {
  const { changes } = build(conditionFigures);
  changes({ sample: { atMs: 0, rssiDbm: -60 } });
  for (let beat = 1; beat < 100; beat++)
    assert.equal(changes({ lastSeenMs: beat, sample: { atMs: beat, rssiDbm: -60 - (beat % 5) } }), false);
  assert.equal(
    changes({
      refusal: { code: "wrong-password", peer: "192.0.2.1", unproved: true, text: "wrong password", atMs: 1 },
    }),
    false,
  );
  assert.equal(changes({}), false);
});

test("every other fact does", () => {
  const { changes, registry, shown } = build();
  const learnt = [
    { phase: "Online" },
    { phase: "Asleep", asleepUntilMs: 1 },
    { asleepUntilMs: 2 },
    { identityGeneration: 2 },
    { link: { carrier: "mqtt", peer: "a", sinceMs: 0 } },
    { link: undefined as never },
    { boot: 2 },
    { bootedAtMs: 5 },
    { resetCause: 3 },
    { hardware: { arch: "arm" } },
    { firmware: { text: "blinky 1" } },
    { capabilities: ["exec"] },
    // A new fact needs no change here.
    { invented: 1 } as never,
  ] as const satisfies readonly Parameters<Registry["learn"]>[1][];
  for (const each of learnt) assert.equal(changes(each), true, JSON.stringify(each));
  registry.admit({ ...spec, paused: true });
  assert.equal(shown.changed(key), true);
});

test("a figure counts where a condition is made of it, and one that goes or comes does", () => {
  const { changes } = build(conditionFigures);
  changes({ sample: { atMs: 0, batteryPercent: 50 } });
  assert.equal(changes({ sample: { atMs: 1, batteryPercent: 21 } }), false);
  assert.equal(changes({ sample: { atMs: 2, batteryPercent: 19 } }), true);
  assert.equal(changes({ sample: { atMs: 3, batteryPercent: 14 } }), true);
  assert.equal(changes({ sample: { atMs: 4, batteryPercent: 3 } }), false);
  assert.equal(changes({ sample: { atMs: 5 } }), true);
});

test("a device that is new, or goes, is a change; of another one there is no memory", () => {
  const { registry, shown, changes } = build();
  assert.equal(shown.changed("default/door"), true);
  registry.remove(key);
  assert.equal(shown.changed(key), true);
  registry.admit(spec);
  assert.equal(shown.changed(key), true);
  assert.equal(changes({ lastSeenMs: 1 }), false);
});
