import assert from "node:assert/strict";
import { test } from "node:test";
import { type Message, Status } from "@motelet/profiles";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { WireDevice } from "../../test/fakes/wire-device.ts";
import { createLogger } from "../foundation/log.ts";
import { Metrics } from "../foundation/metrics.ts";
import { openStore } from "../store/store.ts";
import type { ProvenIdentity } from "../transport/channel.ts";
import { DevicePlane } from "./device-plane.ts";
import { Registry } from "./registry.ts";

const key = "default/lamp";
const spec = {
  namespace: "default",
  name: "lamp",
  uid: "u1",
  nodeName: "lamp",
  links: [{ carrier: "serial", port: "pty:lamp" } as const, { carrier: "mqtt" } as const],
  identity: { wireId: "lamp1", generation: 1, password: "secret" },
  paused: false,
};
const mqtt: ProvenIdentity = { kind: "wire-id", wireId: "lamp1", generation: 1 };

function plane() {
  const clock = new ManualClock();
  const registry = new Registry(() => clock.wallMs());
  const metrics = new Metrics();
  const store = openStore({ path: ":memory:", metrics, clock, commitSpacingMs: 0 });
  const log = createLogger({ level: "silent" });
  const plane = new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10 });
  plane.start();
  const phases: string[] = [];
  registry.changes.subscribe(() => {
    const phase = registry.get(key)?.phase;
    if (phase && phase !== phases.at(-1)) phases.push(phase);
  });
  /** Greets and confirms. */
  const join = (device: WireDevice, boot = 1) => {
    device.hello({ boot });
    store.database.flush();
    return settle().then(() => device.say({ kind: "beat" }));
  };
  return { clock, registry, metrics, store, plane, phases, join };
}

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test("a device is Online when it has answered, not when it has only greeted", async () => {
  const p = plane();
  p.registry.admit(spec);
  const device = new WireDevice().plug(p.plane.acceptor);
  device.hello();
  p.store.database.flush();
  await settle();
  assert.equal(device.all("welcome").length, 1);
  assert.equal(p.registry.get(key)?.phase, "Pending");
  device.say({ kind: "beat" });
  assert.equal(p.registry.get(key)?.phase, "Online");
});

test("2.5 heartbeats of silence make a device Offline, a heartbeat less does not", async () => {
  const p = plane();
  p.registry.admit(spec);
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  p.clock.advance(24_999);
  assert.equal(p.registry.get(key)?.phase, "Online");
  p.clock.advance(1);
  assert.equal(p.registry.get(key)?.phase, "Offline");
});

test("a closed channel by itself makes nobody Offline, a good-bye does at once", async () => {
  const p = plane();
  p.registry.admit(spec);
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  device.unplug();
  p.clock.advance(24_000);
  assert.equal(p.registry.get(key)?.phase, "Online");
  device.plug(p.plane.acceptor);
  device.hello({ attempt: 2, sid: device.last("welcome")!.sid });
  await settle();
  device.say({ kind: "bye", reason: 0 });
  assert.equal(p.registry.get(key)?.phase, "Offline");
});

test("a device that was Online before the gateway started gets 2.5 heartbeats to return", async () => {
  const p = plane();
  p.registry.admit(spec, { phase: "Online", hardware: {}, capabilities: [] });
  p.clock.advance(24_999);
  assert.equal(p.registry.get(key)?.phase, "Online");
  p.clock.advance(1);
  assert.equal(p.registry.get(key)?.phase, "Offline");
});

test("one that returns in that time was never away", async () => {
  const p = plane();
  p.registry.admit(spec, { phase: "Online", hardware: {}, capabilities: [] });
  p.clock.advance(20_000);
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  p.clock.advance(10_000);
  assert.deepEqual(p.phases, ["Online"]);
});

test("a sleeper is Asleep until 2.5 heartbeats after it was to be back", async () => {
  const p = plane();
  p.registry.admit(spec);
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  device.say({ kind: "bye", reason: 3, seconds: 3_600 });
  p.clock.advance(3_624_999);
  assert.equal(p.registry.get(key)?.phase, "Asleep");
  p.clock.advance(1);
  assert.equal(p.registry.get(key)?.phase, "Offline");
});

test("a sleeper that does not say for how long sleeps as long as its Device says, and the device's own word counts more", async () => {
  const p = plane();
  p.registry.admit({ ...spec, sleep: { checkInS: 600, wait: false } });
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  device.say({ kind: "bye", reason: 3 });
  assert.equal(p.registry.get(key)?.asleepUntilMs, p.clock.wallMs() + 600_000);
  p.clock.advance(624_999);
  assert.equal(p.registry.get(key)?.phase, "Asleep");
  p.clock.advance(1);
  assert.equal(p.registry.get(key)?.phase, "Offline");
  await p.join(device, 2);
  device.say({ kind: "bye", reason: 3, seconds: 60 });
  assert.equal(p.registry.get(key)?.asleepUntilMs, p.clock.wallMs() + 60_000);
});

test("a sleeper that an earlier gateway knew sleeps on, and has 2.5 heartbeats after that", async () => {
  const p = plane();
  const asleepUntilMs = p.clock.wallMs() + 600_000;
  p.registry.admit(spec, { phase: "Asleep", asleepUntilMs, hardware: {}, capabilities: [] });
  p.clock.advance(624_999);
  assert.equal(p.registry.get(key)?.phase, "Asleep");
  p.clock.advance(1);
  assert.equal(p.registry.get(key)?.phase, "Offline");
});

test("the gateway's own end makes nobody Offline", async () => {
  const p = plane();
  p.registry.admit(spec);
  const device = new WireDevice().plug(p.plane.acceptor);
  await p.join(device);
  await p.plane[Symbol.asyncDispose]();
  assert.equal(p.registry.get(key)?.phase, "Online");
  assert.deepEqual(device.last("bye"), { kind: "bye", reason: 0 });
  device.hello({ attempt: 2 });
  await settle();
  assert.equal(device.all("welcome").length, 1);
});

/** A device that beats and answers pings over a line that loses a share of the messages, each way, or of the beats alone. */
async function lossyDays(
  identity: ProvenIdentity,
  rtoMs: number,
  share: number,
  hours: number,
  { seed = 99, beatsOnly = false } = {},
) {
  const p = plane();
  p.registry.admit(spec);
  let state = seed;
  const lost = (kind: Message["kind"] | undefined) => {
    if (beatsOnly && kind !== "beat") return false;
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) / 2 ** 24 < share;
  };
  const device = new WireDevice(identity, rtoMs).plug(p.plane.acceptor);
  await p.join(device);
  device.heard.length = 0;
  const send = device.channel.send;
  const say = (message: Message) => lost(message.kind) || device.say(message);
  Object.assign(device.channel, {
    send: (bytes: Uint8Array) => {
      if (lost(undefined)) return true;
      send(bytes);
      const request = device.heard.pop();
      if (request?.kind === "request")
        p.clock.after(20, () => say({ kind: "response", id: request.id, status: Status.OK, result: [] }));
      return true;
    },
  });
  for (let beat = 0; beat < hours * 360; beat++) {
    p.clock.advance(10_000);
    say({ kind: "beat" });
    // Blocks of ids are reserved in the store.
    if (beat % 4 === 0) {
      p.store.database.flush();
      await settle();
    }
  }
  return { phases: p.phases, pings: await p.metrics.valueOf("motelet_pings_total") };
}

test("a line that loses a fifth of all messages never flaps in three days", async () => {
  const { phases, pings } = await lossyDays({ kind: "port", port: "pty:lamp" }, 500, 0.2, 72);
  assert.deepEqual(phases, ["Pending", "Online"].slice(-phases.length));
  assert.ok(pings > 1_000);
});

test("a fifth of the heartbeats lost for a day makes no device Offline, over MQTT or serial, with any of five seeds", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    for (const [identity, rtoMs] of [
      [mqtt, 2_000],
      [{ kind: "port", port: "pty:lamp" }, 500],
    ] as const) {
      const { phases, pings } = await lossyDays(identity, rtoMs, 0.2, 24, {
        seed: seed * 7_919,
        beatsOnly: true,
      });
      assert.deepEqual(phases, ["Pending", "Online"].slice(-phases.length), `seed ${seed}`);
      // Each lost beat is noticed.
      assert.ok(pings > 1_000, `${pings} pings`);
    }
  }
});

// Six pings fit in where rto is 2 s: at a fifth lost, that is about one flap in a day; MQTT's TCP does not lose so much.
test("one that loses a tenth never flaps in a day with the longer rto of a radio either", async () => {
  const { phases } = await lossyDays(mqtt, 2_000, 0.1, 24);
  assert.equal(phases.at(-1), "Online");
  assert.ok(!phases.includes("Offline"));
});
