import assert from "node:assert/strict";
import { test } from "node:test";
import { type ReferenceDevice, startMqttDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { DevicePlane } from "../src/devices/device-plane.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createLogger } from "../src/foundation/log.ts";
import { openStore } from "../src/store/store.ts";
import { defaultMqttLimits } from "../src/transport/mqtt/mqtt-limits.ts";
import { MqttTransport } from "../src/transport/mqtt/mqtt-transport.ts";
import { device, devices, lamp, nodes, pods, setUp } from "./fakes/mirror-under-test.ts";

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly message: string;
}

interface Event {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/*
 * Two boards whose images were cloned, over TCP, against a whole gateway but for its kubelet API, with the limits that it has. 820475d
 * saw 93 take-overs in 17 s and said nothing.
 */
test("two boards with one identity end each other rarely, are named at the Device, and one alone is not", async (t) => {
  const log = createLogger({ level: "silent" });
  await using bed = await setUp(() => {}, {}, systemClock);
  const { server, registry, metrics, clock } = bed;
  await using stack = new AsyncDisposableStack();
  const store = stack.use(openStore({ path: ":memory:", metrics }));
  const holdMs = 6_000;
  const plane = stack.use(
    new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10, duplicateHoldMs: holdMs }),
  );
  plane.start();
  const mqtt = stack.use(
    new MqttTransport({
      acceptor: plane.acceptor,
      authenticator: plane.authenticator,
      listeners: [{ host: "127.0.0.1", port: 0, security: { kind: "plain", insecure: false } }],
      log,
      metrics,
      clock,
    }),
  );
  const { port } = await mqtt.start();
  server.put(devices, device("lamp"));
  await until("the identity", () => registry.get(lamp)?.spec.identity !== undefined);
  const identity = registry.get(lamp)?.spec.identity;
  assert.ok(identity);
  const { wireId, generation, password } = identity;
  const power = (hardware: number, boot: number): Promise<ReferenceDevice> =>
    startMqttDevice({
      url: `mqtt://127.0.0.1:${port}`,
      ...{ wireId, generation, password },
      compact: true,
      hardwareId: Uint8Array.of(hardware),
      boot,
    });
  const conditions = () => {
    const status = server.at(`${devices}/lamp`)?.status as { conditions?: readonly Condition[] } | undefined;
    return status?.conditions ?? [];
  };
  const duplicate = () => conditions().find(({ type }) => type === "DuplicateIdentity");
  const takenOver = () => metrics.valueOf("motelet_mqtt_taken_over_total");
  const events = async () => {
    const answer = await fetch(`${server.url}/api/v1/namespaces/default/events`);
    const { items } = (await answer.json()) as { items: readonly Event[] };
    return items.filter(({ reason }) => reason === "DuplicateIdentity");
  };

  const first = await power(0xaa, 7);
  stack.defer(() => first.stop());
  await until(
    "one board is online",
    () => conditions().some(({ type, status }) => type === "Ready" && status === "True"),
    10_000,
  );
  const startedMs = performance.now();
  const writesBefore = server.requests.length;
  const second = await power(0xbb, 3);
  let secondRuns = true;
  stack.defer(() => (secondRuns ? second.stop() : undefined));
  await until("the condition", () => duplicate() !== undefined, 10_000);
  const noticedMs = performance.now() - startedMs;
  const { status, message = "" } = duplicate() ?? {};
  assert.equal(status, "True");
  assert.match(message, /127\.0\.0\.1:\d+ \(hardware aa, boot 7\)/);
  assert.match(message, /127\.0\.0\.1:\d+ \(hardware bb, boot 3\)/);

  await until("four seconds of it", () => performance.now() - startedMs > 4_000, 10_000);
  const elapsedMs = performance.now() - startedMs;
  const takeOvers = (await takenOver()) ?? 0;
  const { takeOverBurst, takeOverRefillMs } = defaultMqttLimits;
  assert.ok(
    takeOvers >= 2 && takeOvers <= takeOverBurst + Math.ceil(elapsedMs / takeOverRefillMs),
    `${takeOvers}`,
  );
  const writes = server.requests
    .slice(writesBefore)
    .filter(({ method }) => method !== "GET" && method !== "WATCH");
  const written = (end: string) => writes.filter(({ path }) => path.endsWith(end)).length;
  const counts = {
    device: written(`${devices}/lamp/status`),
    node: written(`${nodes}/lamp/status`),
    pod: written(`${pods}/lamp/status`),
    all: writes.length,
  };
  t.diagnostic(
    `noticed after ${Math.round(noticedMs)} ms; in ${Math.round(elapsedMs)} ms ${takeOvers} take-overs, writes ${JSON.stringify(counts)}`,
  );
  // No more than a few for each take-over, and all within the buckets of each object.
  assert.ok(counts.all <= 6 * (takeOvers + 2), JSON.stringify(counts));
  for (const each of [counts.device, counts.node, counts.pod]) assert.ok(each <= 20, JSON.stringify(counts));
  const [event, ...others] = await events();
  assert.deepEqual(
    [event?.type, event?.message, event?.count, others.length],
    ["Warning", message, 1, 0],
    "told once, in the condition's words",
  );
  assert.deepEqual(duplicate()?.message, message, "and the condition has not changed since");

  secondRuns = false;
  await second.stop();
  await until("the condition goes", () => duplicate() === undefined, 30_000);
  await until("the board that is left is online", () => registry.get(lamp)?.phase === "Online", 30_000);
  assert.equal(await metrics.valueOf("motelet_duplicate_identities"), 0);
});
