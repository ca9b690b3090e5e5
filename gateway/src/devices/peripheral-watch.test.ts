import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { UnavailableError } from "../foundation/errors.ts";
import { missingPeripherals } from "./device.ts";
import { PeripheralWatch, peripheralAgainMs } from "./peripheral-watch.ts";
import { Registry } from "./registry.ts";

const key = "default/lamp";
const link = { carrier: "mqtt", peer: "p", sinceMs: 0 } as const;
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** One device whose firmware's answers the test gives. */
function bed(named: readonly string[], has: readonly string[]) {
  const clock = new ManualClock();
  const registry = new Registry(() => clock.wallMs());
  const firmware = { has, away: false, asked: 0 };
  const watch = new PeripheralWatch({
    registry,
    clock,
    ask: async () => {
      firmware.asked++;
      if (firmware.away) throw new UnavailableError("DEVICE_OFFLINE", "away");
      return firmware.has;
    },
  });
  const admit = (peripherals: readonly string[]) =>
    registry.admit({
      namespace: "default",
      name: "lamp",
      uid: "u",
      nodeName: "lamp",
      paused: false,
      ...(peripherals.length > 0 ? { peripherals } : {}),
    });
  admit(named);
  watch.start();
  const greet = async (boot: number, capabilities = ["peripherals"]) => {
    registry.learn(key, { phase: "Online", boot, link, capabilities });
    await settle();
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settle();
  };
  const missing = () => missingPeripherals(registry.get(key) ?? assert.fail("no device"));
  return { registry, firmware, watch, admit, greet, pass, missing, facts: () => registry.get(key) };
}

test("the firmware is asked once a boot, and only where the profile names something", async () => {
  const t = bed([], ["relay0"]);
  await t.greet(1);
  assert.equal(t.firmware.asked, 0);
  t.admit(["relay0"]);
  await settle();
  assert.equal(t.firmware.asked, 1);
  t.registry.learn(key, { lastSeenMs: 5 });
  await t.pass(10 * peripheralAgainMs);
  assert.equal(t.firmware.asked, 1, "what is complete is not asked for again");
  await t.greet(2);
  assert.equal(t.firmware.asked, 2);
  assert.deepEqual(t.missing(), []);
});

test("while one is missing the firmware is asked each minute, until it has it", async () => {
  const t = bed(["relay0", "fan0"], ["relay0"]);
  await t.greet(1);
  assert.deepEqual(t.missing(), ["fan0"]);
  await t.pass(peripheralAgainMs - 1);
  assert.equal(t.firmware.asked, 1);
  await t.pass(1);
  assert.equal(t.firmware.asked, 2);
  t.firmware.has = ["relay0", "fan0"];
  await t.pass(peripheralAgainMs);
  assert.deepEqual(t.missing(), []);
  await t.pass(10 * peripheralAgainMs);
  assert.equal(t.firmware.asked, 3);
});

test("a firmware without the command has none, and is not asked", async () => {
  const t = bed(["relay0"], ["relay0"]);
  await t.greet(1, ["exec"]);
  assert.equal(t.firmware.asked, 0);
  assert.deepEqual(t.missing(), ["relay0"]);
  await t.greet(2);
  assert.deepEqual(t.missing(), []);
});

test("what a firmware that does not answer lacks is not known; it is asked again, and not while it is away", async () => {
  const t = bed(["relay0"], []);
  t.firmware.away = true;
  await t.greet(1);
  assert.deepEqual([t.firmware.asked, t.facts()?.peripherals, t.missing()], [1, undefined, []]);
  await t.pass(peripheralAgainMs);
  assert.equal(t.firmware.asked, 2);
  t.registry.learn(key, { phase: "Offline" });
  await t.pass(10 * peripheralAgainMs);
  assert.equal(t.firmware.asked, 2);
  t.firmware.away = false;
  await t.greet(1);
  assert.deepEqual([t.firmware.asked, t.missing()], [3, ["relay0"]]);
  t.watch[Symbol.dispose]();
  await t.pass(10 * peripheralAgainMs);
  assert.equal(t.firmware.asked, 3);
});

test("a profile that comes to name what is known to be lacking is judged at once, and one that drops it too", async () => {
  const t = bed(["relay0"], ["relay0"]);
  await t.greet(1);
  t.admit(["relay0", "fan0"]);
  assert.deepEqual(t.missing(), ["fan0"]);
  t.firmware.has = ["relay0", "fan0"];
  await t.pass(peripheralAgainMs);
  assert.deepEqual([t.firmware.asked, t.missing()], [2, []]);
  t.admit(["relay0", "gone0"]);
  assert.deepEqual(t.missing(), ["gone0"]);
  t.admit(["relay0"]);
  assert.deepEqual(t.missing(), []);
});
