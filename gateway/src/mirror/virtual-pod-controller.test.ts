import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import {
  device,
  devices,
  enrol,
  lamp,
  leases,
  nodes,
  pods,
  setUp,
} from "../../test/fakes/mirror-under-test.ts";

type Bed = Awaited<ReturnType<typeof setUp>>;

const profiles = "/apis/motelet.dev/v1alpha1/deviceprofiles";
const statusOf = (t: Bed) => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");

async function greet(t: Bed): Promise<void> {
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp)?.spec.identity !== undefined);
  t.registry.learn(lamp, { phase: "Online", boot: 1 });
}

test("a foreign Pod of the device's name is not touched, the Device says so, and its Node is none the worse", async () => {
  const foreign = {
    metadata: { name: "lamp", namespace: "default", uid: "foreign" },
    spec: { containers: [] },
  };
  await using t = await setUp((server) => server.put(pods, foreign));
  await greet(t);
  await until("the condition", () => statusOf(t).includes("PodNameConflict"));
  await until("the Lease", () => t.server.at(`${leases}/lamp`) !== undefined);
  const tries = () => t.server.count("POST", pods);
  const before = tries();
  for (let beat = 0; beat < 50; beat++) {
    t.registry.learn(lamp, { lastSeenMs: t.clock.wallMs() });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(tries(), before, "beats are no reason to try again");
  assert.equal(t.server.at(`${pods}/lamp`)?.metadata.uid, "foreign");
  t.server.remove(`${pods}/lamp`);
  t.clock.advance(30_000);
  await until(
    "our Pod",
    () => t.server.at(`${pods}/lamp`)?.metadata.labels?.["motelet.dev/device"] === "lamp",
  );
  await until("the condition to be gone", () => statusOf(t).includes("PodExists"));
});

test("a Pod that somebody failed or deletes is finished and made anew", async () => {
  await using t = await setUp();
  await enrol(t);
  const uid = () => t.server.at(`${pods}/lamp`)?.metadata.uid;
  const first = uid();
  const pod = () => t.server.at(`${pods}/lamp`) as { metadata: { name: string }; status: object };
  t.server.put(pods, { ...pod(), status: { ...pod().status, phase: "Failed" } });
  await until("another Pod", () => uid() !== undefined && uid() !== first);
  const second = uid();
  t.server.put(pods, {
    ...pod(),
    metadata: { ...pod().metadata, deletionTimestamp: "2026-11-21T12:00:00Z" },
  } as never);
  await until("a third one", () => {
    // A write that was on its way met a conflict and is tried again.
    t.clock.advance(1_000);
    return uid() !== undefined && uid() !== second;
  });
  assert.ok(t.server.at(`${nodes}/lamp`));
});

test("in a namespace that goes the Pod is not forced, and the Node goes without our rights there", async () => {
  await using t = await setUp();
  await enrol(t);
  t.server.remove(`${pods}/lamp`);
  t.server.fault = ({ url = "" }) => (url.startsWith(pods) ? { status: 403 } : undefined);
  await until("the refusal", () => {
    t.clock.advance(1_000);
    return statusOf(t).includes("PodRefused");
  });
  assert.equal(t.server.at(`${pods}/lamp`), undefined);
  t.server.remove(`${devices}/lamp`);
  await until("the Node to go", () => {
    t.clock.advance(1_000);
    return t.server.at(`${nodes}/lamp`) === undefined;
  });
});

test("a firmware that brings a console, or loses it, gets another Pod; one that says another thing each time does not get one each time", async () => {
  await using t = await setUp();
  await enrol(t);
  const tty = () => {
    const pod = t.server.at(`${pods}/lamp`) as { spec?: { containers: { tty?: boolean }[] } } | undefined;
    return pod?.spec?.containers.map((container) => container.tty ?? false);
  };
  assert.deepEqual(tty(), [false]);
  t.registry.learn(lamp, { capabilities: ["exec", "console"] });
  await until("a Pod with a terminal", () => tty()?.[0] === true);
  t.registry.learn(lamp, { capabilities: ["exec"] });
  await until("a Pod without one", () => tty()?.[0] === false);

  const deletions = () => t.server.count("DELETE", `${pods}/lamp`);
  const before = deletions();
  for (let hello = 0; hello < 100; hello++) {
    t.registry.learn(lamp, { capabilities: hello % 2 === 0 ? ["console"] : [] });
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assert.ok(deletions() - before <= 20, `${deletions() - before} Pods in one moment`);
  // The bucket fills again, and the last word holds.
  t.registry.learn(lamp, { capabilities: ["console"] });
  await until("a Pod as the firmware said last", () => {
    t.clock.advance(1_000);
    return tty()?.[0] === true;
  });
});

test("a Pod of an earlier gateway gets its default container, one that a person chose stays", async () => {
  const key = "kubectl.kubernetes.io/default-container";
  await using t = await setUp();
  await enrol(t);
  const pod = () => t.server.at(`${pods}/lamp`) as { metadata: { name: string; annotations?: object } };
  const chosen = () => pod().metadata.annotations?.[key as never];
  assert.equal(chosen(), "device");
  const uid = t.server.at(`${pods}/lamp`)?.metadata.uid;
  for (const [annotations, expected] of [
    [{}, "device"],
    [{ [key]: "relay0" }, "relay0"],
  ] as const) {
    t.server.put(pods, { ...pod(), metadata: { ...pod().metadata, annotations } } as never);
    // Another firmware's image is a write of the same object, so both have been looked at when it is there.
    t.registry.learn(lamp, { firmware: { text: `blinky ${expected}` } });
    await until("the Pod's write", () => {
      t.clock.advance(1_000);
      return JSON.stringify(pod()).includes(`blinky:${expected}`);
    });
    assert.equal(chosen(), expected);
  }
  assert.equal(t.server.at(`${pods}/lamp`)?.metadata.uid, uid);
});

test("the Pod tells each restart once, also when it is made again or another gateway tells it", async () => {
  const profile = {
    metadata: { name: "board" },
    spec: { peripherals: ["relay0", "relay1", "led0"].map((name) => ({ name })) },
  };
  const clock = new ManualClock();
  await using t = await setUp((server) => server.put(profiles, profile), {}, clock);
  t.server.put(devices, device("lamp", { spec: { profile: "board" } }));
  await until("admission", () => t.registry.get(lamp)?.spec.identity !== undefined);
  for (let boot = 1; boot <= 7; boot++) t.registry.learn(lamp, { phase: "Online", boot });
  const pod = () => t.server.at(`${pods}/lamp`);
  const counts = () =>
    (pod()?.status as { containerStatuses?: { restartCount: number }[] } | undefined)?.containerStatuses?.map(
      ({ restartCount }) => restartCount,
    );
  const total = () => counts()?.reduce((sum, count) => sum + count, 0);
  await until("four containers", () => counts()?.length === 4);
  assert.equal(total(), 6, "what kubectl shows is the sum of all containers");
  const uid = pod()?.metadata.uid;
  t.server.remove(`${pods}/lamp`);
  await until("another Pod", () => pod()?.metadata.uid !== uid && counts() !== undefined);
  assert.equal(total(), 6);
  const status = () => t.server.at(`${devices}/lamp`)?.status as { restarts?: number } | undefined;
  await until("the Device's status", () => {
    clock.advance(1_000);
    return status()?.restarts === 6;
  });

  const copy = { ...t.server.at(`${devices}/lamp`) } as never;
  await using next = await setUp((server) => {
    server.put(profiles, profile);
    server.put(devices, copy);
  });
  await until("admission", () => next.registry.get(lamp)?.restarts === 6);
  next.registry.learn(lamp, { boot: 8 });
  assert.equal(next.registry.get(lamp)?.restarts, 7);
});
