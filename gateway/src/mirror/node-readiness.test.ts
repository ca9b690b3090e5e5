import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { device, devices, enrol, lamp, nodes, setUp } from "../../test/fakes/mirror-under-test.ts";

type TestBed = Awaited<ReturnType<typeof setUp>>;

function readyOfNode(t: TestBed, name: string): string {
  const status = t.server.at(`${nodes}/${name}`)?.status as
    | { conditions?: { type: string; status: string; reason: string }[] }
    | undefined;
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  return `${ready?.status}/${ready?.reason}`;
}

const names = Array.from({ length: 12 }, (_, n) => `mote-${n}`);

async function enrolAll(t: TestBed): Promise<void> {
  for (const name of names) t.server.put(devices, device(name));
  await until("admission", () => names.every((name) => t.registry.get(`default/${name}`)));
  for (const name of names) t.registry.learn(`default/${name}`, { phase: "Online" });
  await until("all Nodes Ready", () => names.every((name) => readyOfNode(t, name) === "True/DeviceOnline"));
}

test("Nodes are created at once, changes of Ready beyond the burst are paced", async () => {
  await using t = await setUp(() => {}, { readyBurst: 4, readyPerSecond: 5 });
  await enrolAll(t);
  for (const name of names) t.registry.learn(`default/${name}`, { phase: "Offline" });
  const offline = () => names.filter((name) => readyOfNode(t, name) === "False/DeviceOffline").length;
  await until("the burst", () => offline() === 4);
  for (let seconds = 1; seconds <= 2; seconds++) {
    const wait = () => t.metrics.valueOf("motelet_ready_changes_waiting");
    await until("the rest to stand in line", async () => (await wait()) === names.length - offline());
    assert.equal(offline(), Math.min(names.length, 4 + (seconds - 1) * 5));
    for (let step = 0; step < 5; step++) {
      const before = offline();
      t.clock.advance(200);
      await until("one more", () => offline() > before || before === names.length);
    }
  }
  await until("all", () => offline() === names.length);
});

test("devices that return while their change waits cost nothing", async () => {
  await using t = await setUp(() => {}, { readyBurst: 4, readyPerSecond: 5 });
  await enrolAll(t);
  for (const name of names) t.registry.learn(`default/${name}`, { phase: "Offline" });
  const waiting = (count: number) =>
    until(`${count} in line`, async () => {
      return (await t.metrics.valueOf("motelet_ready_changes_waiting")) === count;
    });
  const isOffline = (name: string) => readyOfNode(t, name) === "False/DeviceOffline";
  await waiting(8);
  await until("the burst", () => names.filter(isOffline).length === 4);
  // First those that wait, then those that were written: together, one would come while the other has not left.
  const written = names.filter(isOffline);
  const spared = names.filter((name) => !isOffline(name));
  for (const name of spared) t.registry.learn(`default/${name}`, { phase: "Online" });
  await waiting(0);
  for (const name of written) t.registry.learn(`default/${name}`, { phase: "Online" });
  await waiting(4);
  const ready = () => names.filter((name) => readyOfNode(t, name) === "True/DeviceOnline").length;
  for (let change = 9; change <= 12; change++) {
    t.clock.advance(200);
    await until(`${change} Ready`, () => ready() === change);
  }
});

test("a Node that waits in line is looked at when its turn comes, not before", async () => {
  await using t = await setUp(() => {}, { readyBurst: 4, readyPerSecond: 0.1 });
  await enrolAll(t);
  for (const name of names) t.registry.learn(`default/${name}`, { phase: "Offline" });
  const waiting = () => t.metrics.valueOf("motelet_ready_changes_waiting");
  await until("the line", async () => (await waiting()) === 8);
  const runs = async () =>
    Number(/^motelet_workqueue_run_seconds_count\{work="node"\} (\d+)/m.exec(await t.metrics.expose())?.[1]);
  let [before, quiet] = [Number.NaN, 0];
  await until("quiet", async () => {
    const now = await runs();
    quiet = now === before ? quiet + 1 : 0;
    before = now;
    return quiet === 20;
  });
  for (let second = 0; second < 9; second++) {
    t.clock.advance(1_000);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  assert.equal(await runs(), before);
  t.clock.advance(1_000);
  await until("the first of them", async () => (await waiting()) === 7);
});

test("news that a device is gone does not wait behind its samples", async () => {
  await using t = await setUp();
  await enrol(t);
  t.registry.learn(lamp, { hardware: { ramBytes: 1_000 } });
  for (let beat = 0; beat < 60; beat++) {
    t.registry.learn(lamp, { sample: { atMs: 0, heapFreeBytes: beat % 2 ? 1_000 : 0 } });
    await until("a turn", () => true);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  t.registry.learn(lamp, { phase: "Offline" });
  await until("the Node NotReady", () => readyOfNode(t, "lamp") === "False/DeviceOffline");
});

test("a device that goes away three times in five minutes is not believed for a minute", async () => {
  await using t = await setUp();
  await enrol(t);
  for (let loss = 1; loss <= 2; loss++) {
    t.registry.learn(lamp, { phase: "Offline" });
    await until("NotReady", () => readyOfNode(t, "lamp") === "False/DeviceOffline");
    t.registry.learn(lamp, { phase: "Online" });
    await until("Ready", () => readyOfNode(t, "lamp") === "True/DeviceOnline");
    t.clock.advance(60_000);
  }
  t.registry.learn(lamp, { phase: "Offline" });
  await until("the hold", () => readyOfNode(t, "lamp") === "False/Flapping");
  t.registry.learn(lamp, { phase: "Online" });
  const deviceStatus = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status);
  await until("the condition on the Device", () => deviceStatus().includes('"Flapping"'));
  await until("the Event", () =>
    t.server.requests.some(({ method, path }) => method === "POST" && path.endsWith("/events")),
  );
  t.clock.advance(59_000);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(readyOfNode(t, "lamp"), "False/Flapping");
  t.clock.advance(1_000);
  await until("Ready again", () => readyOfNode(t, "lamp") === "True/DeviceOnline");
  await until("the condition to go", () => !deviceStatus().includes('"Flapping"'));
  assert.equal(await t.metrics.valueOf("motelet_nodes_flapping_total"), 1);
});

test("a restarted gateway keeps a hold", async () => {
  await using t = await setUp((server) => {
    const { metadata } = server.put(devices, { ...device("lamp"), status: { phase: "Online" } } as never);
    server.put(nodes, {
      metadata: {
        name: "lamp",
        labels: { "motelet.dev/device": "lamp", "motelet.dev/namespace": "default" },
        annotations: { "motelet.dev/device-uid": metadata.uid },
      },
      status: { conditions: [{ type: "Ready", status: "False", reason: "Flapping" }] },
    } as never);
  });
  await until("its status", () => {
    // Labels and status are written at once: the loser of the resourceVersion tries again later.
    t.clock.advance(20);
    return JSON.stringify(t.server.at(`${nodes}/lamp`)?.status).includes("InternalIP");
  });
  assert.equal(readyOfNode(t, "lamp"), "False/Flapping");
  t.clock.advance(60_000);
  await until("Ready", () => readyOfNode(t, "lamp") === "True/DeviceOnline");
});
