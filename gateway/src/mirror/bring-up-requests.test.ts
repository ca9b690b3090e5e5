import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { device, devices, leases, nodes, pods, secrets, setUp } from "../../test/fakes/mirror-under-test.ts";

type UnderTest = Awaited<ReturnType<typeof setUp>>;

const names = Array.from({ length: 20 }, (_, index) => `lamp${index}`);
const every = (condition: (name: string) => boolean) => () => names.every(condition);

function statusOf(t: UnderTest, name: string): string {
  return JSON.stringify(t.server.at(`${devices}/${name}`)?.status ?? "");
}

/** Requests since the last call by verb and path, a device, the start's own lists left out. */
function takeRequestsPerDevice(t: UnderTest): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, path } of t.server.requests.splice(0)) {
    if (method === "WATCH" || path === "/api/v1/pods") continue;
    const what = `${method} ${path.replace(/lamp\d+/, "*")}`;
    counts[what] = (counts[what] ?? 0) + 1 / names.length;
  }
  return Object.fromEntries(Object.entries(counts).map(([what, count]) => [what, Number(count.toFixed(2))]));
}

async function bringUpPending(t: UnderTest): Promise<void> {
  for (const name of names) t.server.put(devices, device(name));
  await until(
    "Pending with an identity",
    every((name) => ["Pending", "SecretExists"].every((word) => statusOf(t, name).includes(word))),
  );
}

test("a Device costs two requests until it waits for its hello, and its bring-up six more", async () => {
  await using t = await setUp();
  t.server.requests.length = 0;
  await bringUpPending(t);
  assert.deepEqual(takeRequestsPerDevice(t), {
    [`POST ${secrets}`]: 1,
    [`PUT ${devices}/*/status`]: 1,
  });
  for (const name of names) t.registry.learn(`default/${name}`, { phase: "Online", boot: 1 });
  // The answer to info comes some time after the hello.
  await new Promise((resolve) => setImmediate(resolve));
  for (const name of names)
    t.registry.learn(`default/${name}`, { hardware: { board: "esp32", arch: "xtensa" } });
  await until(
    "all that stands for the devices",
    every((name) => {
      const all = t.server.at(`${leases}/${name}`) && t.server.at(`${pods}/${name}`)?.status;
      return all !== undefined && ["PodExists", "esp32"].every((word) => statusOf(t, name).includes(word));
    }),
  );
  // Nothing else waits then.
  await until("an Event of each", () => t.server.count("POST", "/events") === names.length);
  const counts = takeRequestsPerDevice(t);
  // If the info is later than the Node, it is written into it: at most a label and a status more.
  const { [`PUT ${nodes}/*`]: labels = 0, [`PUT ${nodes}/*/status`]: infos = 0, ...fixed } = counts;
  assert.ok(labels <= 1 && infos <= 1, JSON.stringify(counts));
  assert.deepEqual(fixed, {
    [`POST ${nodes}`]: 1,
    [`POST ${leases}`]: 1,
    [`POST ${pods}`]: 1,
    [`PUT ${pods}/*/status`]: 1,
    "POST /api/v1/namespaces/default/events": 1,
    [`PUT ${devices}/*/status`]: 1,
  });
});

test("a status that lacks its Pod is written after five seconds all the same, not before", async () => {
  await using t = await setUp();
  await bringUpPending(t);
  t.server.fault = ({ method, url }) => (method === "POST" && url === pods ? { status: 500 } : undefined);
  t.server.requests.length = 0;
  t.registry.learn("default/lamp0", { phase: "Online" });
  await until("the Pod's failure", () => t.server.count("POST", "/pods") > 0);
  await until("the Event", () => t.server.count("POST", "/events") > 0);
  const written = () => t.server.count("PUT", "/devices/lamp0/status");
  t.clock.advance(4_999);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written(), 0);
  t.clock.advance(1);
  await until("the status", () => statusOf(t, "lamp0").includes("DeviceOnline"));
  assert.equal(written(), 1);
});

test("a Lease that stands there though its Node is new is renewed, its time going on", async () => {
  await using t = await setUp();
  const ahead = "2026-11-21T13:00:00.000000Z";
  t.server.put(leases, {
    metadata: { name: "lamp0" },
    spec: { renewTime: ahead, holderIdentity: "lamp0", leaseDurationSeconds: 40 },
  });
  await bringUpPending(t);
  t.server.requests.length = 0;
  t.registry.learn("default/lamp0", { phase: "Online" });
  await until("its own Lease", () =>
    JSON.stringify(t.server.at(`${leases}/lamp0`) ?? "").includes("ownerRef"),
  );
  const { renewTime } = (t.server.at(`${leases}/lamp0`)?.spec ?? {}) as { renewTime?: string };
  assert.equal(renewTime, "2026-11-21T13:00:00.000001Z");
  const asked = t.server.requests.filter(({ path }) => path.startsWith(leases)).map(({ method }) => method);
  assert.deepEqual(asked, ["POST", "GET", "DELETE", "POST"]);
});
