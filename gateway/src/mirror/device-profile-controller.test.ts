import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import type { FakeApiServer } from "../../test/fakes/fake-api-server.ts";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { device, devices, lamp, nodes, pods, setUp } from "../../test/fakes/mirror-under-test.ts";

const profiles = "/apis/motelet.dev/v1alpha1/deviceprofiles";
const profile = (capacity: Record<string, number>) => ({
  metadata: { name: "relay-board" },
  spec: { capacity },
});

test("a profile's capacity is on the Node, follows its changes, and goes with it", async () => {
  await using t = await setUp((server) => server.put(profiles, profile({ relay: 2, gpio: 4 })));
  t.server.put(devices, device("lamp", { spec: { profile: "relay-board" } }));
  await until("admission", () => t.registry.get("default/lamp") !== undefined);
  t.registry.learn("default/lamp", { phase: "Online" });
  const capacity = () =>
    (t.server.at(`${nodes}/lamp`)?.status as { capacity?: object } | undefined)?.capacity;
  const has = (wanted: object) =>
    JSON.stringify({ ...capacity() }).includes(JSON.stringify(wanted).slice(1, -1));
  await until("the Node", () => has({ "motelet.dev/relay": "2", "motelet.dev/gpio": "4" }));
  t.server.put(profiles, profile({ relay: 8 }));
  await until("the change", () => has({ "motelet.dev/relay": "8" }));
  assert.ok(!("motelet.dev/gpio" in (capacity() ?? {})));
  const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
  await until("the condition", () => status().includes("ProfileFound"));
  t.server.remove(`${profiles}/relay-board`);
  await until("the condition", () => status().includes("ProfileNotFound"));
  await until("no relays", () => !("motelet.dev/relay" in (capacity() ?? {})));
  const { metadata } = t.server.at(`${devices}/lamp`) ?? { metadata: { name: "" } };
  t.server.put(devices, { ...device("lamp", { status: t.server.at(`${devices}/lamp`)?.status }), metadata });
  await until("no condition", () => !status().includes("ProfileNotFound"));
});

test("a profile's peripherals are containers of the Pod, which is made anew when they change", async () => {
  const withPeripherals = (...names: string[]) => ({
    metadata: { name: "relay-board" },
    spec: { peripherals: names.map((name) => ({ name })) },
  });
  await using t = await setUp((server) => server.put(profiles, withPeripherals("relay0")));
  t.server.put(devices, device("lamp", { spec: { profile: "relay-board" } }));
  await until("admission", () => t.registry.get(lamp) !== undefined);
  t.registry.learn(lamp, { phase: "Online", boot: 1 });
  const pod = () =>
    t.server.at(`${pods}/lamp`) as
      | {
          metadata: { uid: string };
          spec: { containers: { name: string }[] };
          status?: { containerStatuses?: { name: string; ready: boolean }[] };
        }
      | undefined;
  const statuses = () =>
    (pod()?.status?.containerStatuses ?? []).map(({ name, ready }) => `${name} ${ready}`).join();
  await until("both containers to be ready", () => statuses() === "device true,relay0 true");
  const { uid } = pod()!.metadata;

  t.server.put(profiles, withPeripherals("relay0", "sensor"));
  await until("the third container", () => statuses() === "device true,relay0 true,sensor true");
  assert.notEqual(pod()!.metadata.uid, uid);
  t.server.remove(`${profiles}/relay-board`);
  await until("the device alone", () => statuses() === "device true");
  assert.deepEqual(
    pod()!.spec.containers.map(({ name }) => name),
    ["device"],
  );
});

test("without the CRD of profiles a gateway starts after three seconds all the same", async () => {
  const clock = new ManualClock();
  const noCrd = (server: FakeApiServer) => {
    server.fault = ({ url }) => (url?.startsWith(profiles) ? { status: 404 } : undefined);
  };
  let started = false;
  const starting = setUp(noCrd, {}, clock).finally(() => {
    started = true;
  });
  await until("the start", () => {
    if (!started) clock.advance(100);
    return started;
  });
  await using t = await starting;
  assert.ok(clock.monotonicMs() >= 3_000, `${clock.monotonicMs()} ms`);
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get("default/lamp") !== undefined);
});
