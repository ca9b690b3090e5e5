import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import type { FakeApiServer } from "../../test/fakes/fake-api-server.ts";
import {
  device,
  devices,
  enrol,
  lamp,
  leases,
  nodes,
  ourNode,
  pods,
  secrets,
  setUp,
} from "../../test/fakes/mirror-under-test.ts";
import { RefusalNotes } from "../devices/refusal-notes.ts";
import type { WantedCondition } from "../resources/conditions.ts";
import { workersBeside } from "./mirror.ts";

function renewTime(server: FakeApiServer): string {
  return (server.at(`${leases}/lamp`)?.spec as { renewTime?: string } | undefined)?.renewTime ?? "";
}

test("a Lease is renewed every 20 s, its device online or not", async () => {
  await using t = await setUp();
  await enrol(t);
  t.registry.learn(lamp, { phase: "Offline" });
  const renewals = () => t.metrics.valueOf("motelet_lease_renewals_total");
  for (let renewal = 1; renewal <= 3; renewal++) {
    await until("the gateway to have the answer", async () => (await renewals()) === renewal);
    // The answer is counted a turn before the next renewal is planned.
    await new Promise((resolve) => setImmediate(resolve));
    const before = renewTime(t.server);
    t.clock.advance(17_999);
    assert.equal(renewTime(t.server), before);
    t.clock.advance(4_001);
    await until("a renewal", () => renewTime(t.server) > before);
  }
});

test("Leases are renewed in time while every other request hangs", async () => {
  await using t = await setUp();
  await enrol(t);
  const renewals = () => t.metrics.valueOf("motelet_lease_renewals_total");
  await until("the gateway to have the answer", async () => (await renewals()) === 1);
  t.server.fault = ({ url = "" }) => (url.startsWith(leases) ? undefined : "hang");
  const before = t.server.requests.length;
  // More than there are workers, so that nothing else comes through the queue.
  for (let index = 0; index < 50; index++) t.server.put(devices, device(`more${index}`));
  await until("the workers to be busy", () => t.server.requests.length >= before + 6);
  for (let renewal = 2; renewal <= 4; renewal++) {
    await new Promise((resolve) => setImmediate(resolve));
    t.clock.advance(22_000);
    await until("a renewal", async () => (await renewals()) >= renewal);
  }
  assert.equal(await t.metrics.valueOf("motelet_leases_lapsed_total"), 0);
});

test("while renewals are late the work queue keeps fewer workers, at least one", () => {
  const lates = [0, 2_000, 3_000, 4_000, 5_000, 7_999, 8_000, 60_000];
  assert.deepEqual(
    lates.map((overdueMs) => workersBeside(overdueMs, 24)),
    [24, 24, 20, 16, 12, 1, 1, 1],
  );
});

test("a Lease that could not be renewed for 40 s is counted when it is again", async () => {
  await using t = await setUp();
  await enrol(t);
  const lapsed = () => t.metrics.valueOf("motelet_leases_lapsed_total");
  await until("the answer", async () => (await t.metrics.valueOf("motelet_lease_renewals_total")) === 1);
  await new Promise((resolve) => setImmediate(resolve));
  const before = renewTime(t.server);
  t.server.fault = ({ url = "" }) => (url.startsWith(leases) ? { status: 500 } : undefined);
  for (let second = 0; second < 45; second++) {
    t.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("failures", async () => (await t.metrics.valueOf("motelet_lease_failures_total")) >= 1);
  assert.equal(await lapsed(), 0);
  t.server.fault = undefined;
  await until("a renewal", () => {
    t.clock.advance(1_000);
    return renewTime(t.server) > before;
  });
  await until("the count", async () => (await lapsed()) === 1);
});

test("a device that only beats has neither its Node nor its Pod looked at", async () => {
  await using t = await setUp();
  await enrol(t);
  const runs = async (work: string) => {
    const text = await t.metrics.expose();
    return Number(
      new RegExp(`^motelet_workqueue_run_seconds_count\\{work="${work}"\\} (\\d+)`, "m").exec(text)?.[1],
    );
  };
  const quiet = async () => {
    let [before, looks] = [Number.NaN, 0];
    await until("quiet", async () => {
      const now = (await runs("node")) + (await runs("pod"));
      looks = now === before ? looks + 1 : 0;
      before = now;
      return looks === 20;
    });
  };
  await quiet();
  const [nodeRuns, podRuns] = [await runs("node"), await runs("pod")];
  for (let beat = 0; beat < 200; beat++) {
    t.registry.learn(lamp, {
      lastSeenMs: t.clock.wallMs(),
      sample: { atMs: t.clock.wallMs(), rssiDbm: -60 - (beat % 10), uptimeS: beat },
    });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await quiet();
  // The first sample is news: what was not known is.
  assert.ok((await runs("node")) - nodeRuns <= 1, `${(await runs("node")) - nodeRuns} runs`);
  assert.equal(await runs("pod"), podRuns);
  t.registry.learn(lamp, { sample: { atMs: t.clock.wallMs(), rssiDbm: -95 } });
  await until("the condition", () =>
    JSON.stringify(t.server.at(`${nodes}/lamp`)?.status).includes("SignalWeak"),
  );
});

test("renewTime never goes back: not with the clock, not after another replica's renewal, not with a new Node", async () => {
  await using t = await setUp();
  await enrol(t);
  const before = renewTime(t.server);
  t.clock.stepWall(-600_000);
  const renewed = async () => {
    t.clock.advance(22_000);
    await until("a renewal", () => renewTime(t.server) > before);
    return renewTime(t.server);
  };
  assert.equal(await renewed(), before.replace(/000Z$/, "001Z"));
  const lease = t.server.at(`${leases}/lamp`) as { metadata: { name: string }; spec: object };
  const ahead = "2026-11-21T13:00:00.000000Z";
  t.server.put(leases, { ...lease, spec: { ...lease.spec, renewTime: ahead } });
  await until("a renewal", () => {
    // The first try meets a conflict.
    t.clock.advance(1_000);
    return renewTime(t.server) > ahead;
  });
  const uid = t.server.at(`${nodes}/lamp`)?.metadata.uid;
  t.server.remove(`${nodes}/lamp`);
  await until("another Node's Lease", () => {
    t.clock.advance(100);
    const made = t.server.at(`${leases}/lamp`);
    return made !== undefined && !JSON.stringify(made).includes(uid ?? "");
  });
  assert.match(renewTime(t.server), /^2026-11-21T13:00:00\.00000\dZ$/);
});

test("at a gateway's start the Leases of all its Nodes are renewed before Devices are read", async () => {
  await using t = await setUp((server) => {
    for (const name of ["a", "b", "c"]) {
      const { metadata } = server.put(devices, device(name));
      server.put(nodes, ourNode(metadata.uid ?? "", name));
    }
  });
  await until("three Leases", () => ["a", "b", "c"].every((name) => t.server.at(`${leases}/${name}`)));
  const order = t.server.requests.map(({ method, path }) => `${method} ${path}`);
  assert.ok(order.indexOf(`GET ${leases}/a`) < order.indexOf(`GET ${devices}`), order.join("\n"));
});

test("the farewell renews all Leases and writes nothing else", async () => {
  await using t = await setUp();
  await enrol(t);
  const before = renewTime(t.server);
  const node = t.server.at(`${nodes}/lamp`)?.metadata.resourceVersion;
  t.clock.advance(1);
  await t.mirror[Symbol.asyncDispose]();
  assert.ok(renewTime(t.server) > before);
  assert.equal(t.server.at(`${nodes}/lamp`)?.metadata.resourceVersion, node);
});

test("a device that flips without end is written at a bounded rate", async () => {
  await using t = await setUp();
  await enrol(t);
  const before = t.server.count("PUT");
  for (let flip = 0; flip < 400; flip++) {
    t.registry.learn(lamp, { phase: flip % 2 ? "Online" : "Offline", boot: flip });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("quiet", () => t.registry.get(lamp)?.boot === 399);
  t.clock.advance(1);
  // 20 each of Node, Device and Pod, before a write waits for the clock.
  assert.ok(t.server.count("PUT") - before <= 62, `${t.server.count("PUT") - before} PUTs`);
});

test("two boards that take turns without end are written at a bounded rate, and told once", async () => {
  await using t = await setUp();
  await enrol(t);
  const before = t.server.count("PUT");
  const events = t.server.count("POST", "/events");
  const users = [
    { peer: "192.0.2.7:1", hardwareId: "aa", boot: 1 },
    { peer: "192.0.2.9:2", hardwareId: "bb", boot: 2 },
  ] as const;
  for (let turn = 0; turn < 400; turn++) {
    const { hardwareId, boot } = users[turn % 2 ? 0 : 1];
    t.registry.learn(lamp, { boot, hardware: { hardwareId }, duplicate: { users } });
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("the condition", () =>
    JSON.stringify(t.server.at(`${devices}/lamp`)?.status).includes("DuplicateIdentity"),
  );
  t.clock.advance(1);
  await until("the Event", () => t.server.count("POST", "/events") > events);
  assert.equal(t.server.count("POST", "/events") - events, 1);
  assert.ok(t.server.count("PUT") - before <= 62, `${t.server.count("PUT") - before} PUTs`);
});

test("a Node whose Device is gone is deleted; of a namespace that is not served it stays", async () => {
  const elsewhere = ourNode("uid-x", "other");
  elsewhere.metadata.labels["motelet.dev/namespace"] = "theirs";
  await using t = await setUp((server) => {
    server.put(nodes, ourNode("uid-of-nobody"));
    server.put(nodes, elsewhere);
  });
  await until("the deletion", () => t.server.at(`${nodes}/lamp`) === undefined);
  assert.ok(t.server.at(`${nodes}/other`));
});

test("the Nodes of a namespace that cannot be read are no orphans", async () => {
  const sealed = ourNode("uid-x", "sealed");
  sealed.metadata.labels["motelet.dev/namespace"] = "sealed";
  let forbidden = true;
  await using t = await setUp(
    (server) => {
      server.put(nodes, ourNode("uid-of-nobody"));
      server.put(nodes, sealed);
      server.fault = ({ url = "" }) =>
        forbidden && url.includes("/namespaces/sealed/") ? { status: 403 } : undefined;
    },
    { namespaces: ["default", "sealed"] },
  );
  await until("the deletion of the orphan", () => t.server.at(`${nodes}/lamp`) === undefined);
  assert.ok(t.server.at(`${nodes}/sealed`));
  forbidden = false;
  await until("its deletion, when there proves to be no Device", () => {
    t.clock.advance(1_000);
    return t.server.at(`${nodes}/sealed`) === undefined;
  });
});

test("the Node of an earlier Device of this name is adopted", async () => {
  await using t = await setUp();
  // Made after the start and seen only by the create that finds the name taken: it lacks the label.
  const orphan = ourNode("uid-of-nobody");
  t.server.put(nodes, {
    ...orphan,
    metadata: { name: "lamp", annotations: orphan.metadata.annotations },
  } as never);
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp) !== undefined);
  t.registry.learn(lamp, { phase: "Online" });
  const uid = t.server.at(`${devices}/lamp`)?.metadata.uid ?? "";
  await until("the adoption", () => JSON.stringify(t.server.at(`${nodes}/lamp`)?.metadata).includes(uid));
  await until("its status", () =>
    JSON.stringify(t.server.at(`${nodes}/lamp`)?.status ?? "").includes("DeviceOnline"),
  );
});

test("a taken name costs two requests each half minute, however often the device beats", async () => {
  await using t = await setUp((server) => server.put(nodes, { metadata: { name: "lamp" } }));
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp) !== undefined);
  t.registry.learn(lamp, { phase: "Online" });
  const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
  await until("the condition", () => status().includes("NodeNameConflict"));
  const posts = () =>
    t.server.requests.filter(({ method, path }) => method === "POST" && path === nodes).length;
  for (let beat = 0; beat < 100; beat++) {
    t.registry.learn(lamp, { lastSeenMs: t.clock.wallMs() });
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(posts(), 1);
  t.server.remove(`${nodes}/lamp`);
  t.clock.advance(30_000);
  await until("our Node", () => JSON.stringify(t.server.at(`${nodes}/lamp`) ?? "").includes("device-uid"));
  assert.equal(posts(), 2);
});

test("a new Device with another Node name does not wait for what the one before was told", async () => {
  await using t = await setUp((server) => server.put(nodes, { metadata: { name: "lamp" } }));
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp) !== undefined);
  t.registry.learn(lamp, { phase: "Online" });
  const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
  await until("the condition", () => status().includes("NodeNameConflict"));
  t.server.remove(`${devices}/lamp`);
  await until("its end", () => t.registry.get(lamp) === undefined);
  t.server.put(devices, device("lamp", { spec: { node: { name: "lamp-2" } } }));
  await until("admission", () => t.registry.get(lamp) !== undefined);
  t.registry.learn(lamp, { phase: "Online" });
  await until("its Node, while time stands still", () => t.server.at(`${nodes}/lamp-2`) !== undefined);
});

test("a Node and a Pod that the cluster refuses are told in the API server's words, and made when it takes them", async () => {
  await using t = await setUp();
  let refused = nodes;
  t.server.fault = ({ method, url }) =>
    method === "POST" && url === refused ? { status: refused === nodes ? 422 : 403 } : undefined;
  t.server.put(devices, device("lamp"));
  await until("admission", () => t.registry.get(lamp)?.spec.identity !== undefined);
  t.registry.learn(lamp, { phase: "Online" });
  const status = () => JSON.stringify(t.server.at(`${devices}/lamp`)?.status ?? "");
  const events = () =>
    t.server.requests.filter(({ path }) => path === "/api/v1/namespaces/default/events").length;
  await until("the reason", () => /NodeRefused[^}]*the cluster refuses the Node: .*as told/.test(status()));
  const told = events();
  for (let second = 0; second < 30; second++) {
    t.clock.advance(1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(events(), told, "the same refusal is told once");
  refused = pods;
  await until("the Node", () => {
    t.clock.advance(1_000);
    return status().includes("NodeExists");
  });
  await until("the Pod's refusal", () => /PodRefused[^}]*the cluster refuses the Pod/.test(status()));
  refused = "";
  await until("the Pod", () => {
    t.clock.advance(1_000);
    return status().includes("PodExists");
  });
});

test("two Secrets with one wireId: the second device gets no identity and is told why", async () => {
  const data = { wireId: btoa("samesame"), password: btoa("x"), generation: btoa("1") };
  const secret = (name: string) => ({
    metadata: {
      name: `${name}-identity`,
      namespace: "default",
      labels: { "motelet.dev/identity": "device" },
    },
    data,
  });
  await using t = await setUp((server) => {
    server.put(secrets, secret("lamp") as never);
    server.put(devices, device("lamp"));
  });
  await until("the first", () => t.registry.get(lamp)?.spec.identity?.wireId === "samesame");
  t.server.put(secrets, secret("copy") as never);
  t.server.put(devices, device("copy"));
  const status = () => JSON.stringify(t.server.at(`${devices}/copy`)?.status ?? "");
  await until("the reason", () => status().includes("WireIdTaken"));
  assert.equal(t.registry.get("default/copy")?.spec.identity, undefined);
});

test("a changed Secret reaches the registry, a foreign one of that name is not read", async () => {
  await using t = await setUp((server) =>
    server.put(secrets, { metadata: { name: "fan-identity", namespace: "default" } }),
  );
  await enrol(t);
  const known = t.server.at(`${secrets}/lamp-identity`) as { data: Record<string, string> } | undefined;
  t.server.put(secrets, {
    ...t.server.at(`${secrets}/lamp-identity`),
    data: { ...known?.data, generation: btoa("2") },
  } as never);
  await until("the new generation", () => t.registry.get(lamp)?.spec.identity?.generation === 2);
  t.server.put(devices, device("fan"));
  const status = () => JSON.stringify(t.server.at(`${devices}/fan`)?.status ?? "");
  await until("the reason", () => status().includes("SecretNameConflict"));
});

const deletionsOf = (server: FakeApiServer) =>
  server.requests.filter(({ method }) => method === "DELETE").map(({ path }) => path);

test("a Device has no finalizer: it goes at once, then Pod, Lease and Node", async () => {
  await using t = await setUp();
  await enrol(t);
  assert.equal(t.server.at(`${devices}/lamp`)?.metadata.finalizers, undefined);
  const pod = t.server.at(`${pods}/lamp`)?.spec as { terminationGracePeriodSeconds?: number } | undefined;
  assert.equal(pod?.terminationGracePeriodSeconds, 0);
  t.server.requests.length = 0;
  t.server.remove(`${devices}/lamp`);
  await until("the Node to go", () => t.server.at(`${nodes}/lamp`) === undefined);
  assert.deepEqual(deletionsOf(t.server), [`${pods}/lamp`, `${leases}/lamp`, `${nodes}/lamp`]);
  assert.equal(t.registry.get(lamp), undefined);
});

test("what could not be deleted at once is tried again", async () => {
  await using t = await setUp();
  await enrol(t);
  let refusals = 0;
  t.server.fault = ({ method, url }) =>
    method === "DELETE" && url === `${nodes}/lamp` && refusals++ < 2 ? { status: 500 } : undefined;
  t.server.remove(`${devices}/lamp`);
  await until("a refusal", () => refusals > 0);
  await until("the Node to go", () => {
    t.clock.advance(100);
    return t.server.at(`${nodes}/lamp`) === undefined;
  });
  assert.equal(refusals, 3);
});

test("a namespace goes with its Devices while no gateway runs, and the next one removes their Nodes", async () => {
  let left: FakeApiServer | undefined;
  {
    await using t = await setUp();
    await enrol(t);
    left = t.server;
    await t.mirror[Symbol.asyncDispose]();
    // As the namespace controller does: everything in it is deleted, and is gone unless a finalizer holds it.
    for (const path of [`${devices}/lamp`, `${pods}/lamp`, `${secrets}/lamp-identity`]) {
      const answer = await fetch(`${t.server.url}${path}`, { method: "DELETE" });
      assert.equal(answer.status, 200, path);
      assert.equal(t.server.at(path), undefined, path);
    }
  }
  const node = left.at(`${nodes}/lamp`);
  assert.ok(node, "the Node stays for the next gateway");
  await using next = await setUp((server) => server.put(nodes, node));
  await until("the Node to go", () => next.server.at(`${nodes}/lamp`) === undefined);
  assert.deepEqual(deletionsOf(next.server), [`${nodes}/lamp`]);
});

test("a Device that is made again at once takes the Node of the first, and loses nothing to its removal", async () => {
  await using t = await setUp();
  await enrol(t);
  const first = t.server.at(`${devices}/lamp`)?.metadata.uid;
  t.server.remove(`${devices}/lamp`);
  const second = t.server.put(devices, device("lamp")).metadata.uid;
  assert.notEqual(second, first);
  await until("admission", () => t.registry.get(lamp)?.spec.uid === second);
  t.registry.learn(lamp, { phase: "Online", boot: 2 });
  const owner = () => t.server.at(`${nodes}/lamp`)?.metadata as { annotations?: Record<string, string> };
  const all = () =>
    owner()?.annotations?.["motelet.dev/device-uid"] === second &&
    JSON.stringify(t.server.at(`${pods}/lamp`)?.metadata ?? "").includes(`"${second}"`) &&
    t.server.at(`${leases}/lamp`) !== undefined;
  await until("Node, Pod and Lease of the second", () => {
    t.clock.advance(100);
    return all();
  });
});

const former = ["motelet.dev/node", "example.com/theirs"];

test("the finalizer of an earlier gateway is taken off, others are not", async () => {
  const held = device("lamp");
  await using t = await setUp((server) =>
    server.put(devices, { ...held, metadata: { ...held.metadata, finalizers: former } } as never),
  );
  const finalizers = () => t.server.at(`${devices}/lamp`)?.metadata.finalizers;
  await until("the finalizer to go", () => finalizers()?.length === 1);
  assert.deepEqual(finalizers(), ["example.com/theirs"]);
});

test("a Device that hangs on the finalizer of an earlier gateway goes when a gateway starts, after its Node", async () => {
  const held = device("lamp");
  await using t = await setUp((server) => {
    server.put(nodes, ourNode("uid-of-lamp"));
    server.put(devices, {
      ...held,
      metadata: {
        ...held.metadata,
        uid: "uid-of-lamp",
        finalizers: former.slice(0, 1),
        deletionTimestamp: "2026-11-21T12:00:00Z",
      },
    } as never);
  });
  await until("the Device to go", () => t.server.at(`${devices}/lamp`) === undefined);
  assert.equal(t.server.at(`${nodes}/lamp`), undefined);
  assert.equal(t.registry.get(lamp), undefined);
});

test("the loser of a Node name takes nothing of the winner's with it", async () => {
  await using t = await setUp();
  await enrol(t);
  t.server.put(devices, device("double", { spec: { node: { name: "lamp" } } }));
  await until("admission", () => t.registry.get("default/double") !== undefined);
  t.registry.learn("default/double", { phase: "Online" });
  const status = () => JSON.stringify(t.server.at(`${devices}/double`)?.status ?? "");
  await until("the condition", () => status().includes("NodeNameConflict"));
  t.server.remove(`${devices}/double`);
  const { metadata } = t.server.put(devices, {
    ...device("double", { spec: { node: { name: "lamp" } } }),
    metadata: {
      name: "double",
      namespace: "default",
      finalizers: ["motelet.dev/node"],
      deletionTimestamp: "2026-11-21T12:00:00Z",
    },
  } as never);
  await until("the Device to go", () => t.server.at(`${devices}/double`)?.metadata.uid !== metadata.uid);
  assert.ok(t.server.at(`${nodes}/lamp`) && t.server.at(`${leases}/lamp`) && t.server.at(`${pods}/lamp`));
  assert.equal(t.server.count("DELETE"), 0);
});

test("the same Event again raises a count, and a talkative device is cut", async () => {
  await using t = await setUp();
  await enrol(t);
  const events = "/api/v1/namespaces/default/events";
  const offline = () => t.server.requests.filter(({ path }) => path.startsWith(events));
  for (let flip = 0; flip < 60; flip++) t.registry.learn(lamp, { phase: flip % 2 ? "Online" : "Offline" });
  await until("a count", () => offline().length >= 2);
  await t.mirror[Symbol.asyncDispose]();
  assert.ok(offline().length <= 20, `${offline().length} requests`);
  assert.ok((await t.metrics.valueOf("motelet_events_dropped_total", { cause: "rate" })) >= 40);
});

test("a refusal is a condition of its Device until the next success, or for ten minutes without another", async () => {
  await using t = await setUp();
  await enrol(t);
  const status = () =>
    t.server.at(`${devices}/lamp`)?.status as { boot?: number; conditions: WantedCondition[] } | undefined;
  const refused = () => status()?.conditions.find(({ type }) => type === "Refused");
  const refusal = {
    code: "client-certificate",
    peer: "192.0.2.9",
    unproved: true,
    text: "the client certificate is not valid for it",
    detail: "CERT_HAS_EXPIRED",
  };
  const learn = () => t.registry.learn(lamp, { refusal: { ...refusal, atMs: t.clock.wallMs() } });
  learn();
  await until("the condition", () => refused() !== undefined);
  const message =
    "a client at 192.0.2.9 was refused: the client certificate is not valid for it (client-certificate, CERT_HAS_EXPIRED)";
  const said = refused();
  assert.deepEqual([said?.status, said?.reason, said?.message], ["True", "AuthenticationFailed", message]);
  t.registry.learn(lamp, { refusal: undefined });
  await until("no condition", () => refused() === undefined);
  learn();
  await until("the condition", () => refused() !== undefined);
  t.clock.advance(9 * 60_000);
  learn();
  t.clock.advance(9 * 60_000);
  t.registry.learn(lamp, { boot: 2 });
  await until("a later status", () => status()?.boot === 2);
  assert.ok(refused(), "nine minutes after the latest one");
  t.clock.advance(2 * 60_000);
  await until("no condition", () => refused() === undefined);
});

test("a flood of refusals costs a bounded number of requests", async () => {
  await using t = await setUp();
  await enrol(t);
  using notes = new RefusalNotes(t);
  const wrongPassword = { code: "wrong-password", unproved: true, text: "wrong password" };
  const from = t.server.requests.length;
  const requests = (path: string) =>
    t.server.requests.slice(from).filter((each) => each.path.includes(path)).length;
  for (let minute = 0; minute < 10; minute++) {
    const [eventsBefore, statusesBefore] = [requests("/events"), requests("/devices/lamp")];
    for (let index = 0; index < 1_000; index++)
      notes.note(lamp, { ...wrongPassword, peer: `192.0.${minute}.${index % 256}` });
    await until("an Event", () => requests("/events") > eventsBefore);
    await until("a status", () => requests("/devices/lamp") > statusesBefore);
    t.clock.advance(60_000);
  }
  // Of 10,000: 4 at once and one in each of the nine minutes after, an Event and at most a status each.
  assert.equal(requests("/events"), 13);
  assert.ok(requests("/devices/lamp") <= 13, `${requests("/devices/lamp")} statuses`);
});
