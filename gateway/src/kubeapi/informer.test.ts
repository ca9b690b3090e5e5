import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { FakeApiServer } from "../../test/fakes/fake-api-server.ts";
import { systemClock } from "../foundation/clock.ts";
import { createLogger } from "../foundation/log.ts";
import { Metrics } from "../foundation/metrics.ts";
import { HttpKubeClient } from "./client.ts";
import { Informer, informerMetrics } from "./informer.ts";
import { NamespacedInformer } from "./namespaced-informer.ts";
import type { KubeObject } from "./objects.ts";

const nodes = "/api/v1/nodes";

/** Real timers, and a time of day that a test may move on. */
function movableClock() {
  let movedMs = 0;
  const monotonicMs = () => systemClock.monotonicMs() + movedMs;
  return { ...systemClock, monotonicMs, move: (byMs: number) => (movedMs += byMs) };
}

async function setUp(labelSelector?: string) {
  const clock = movableClock();
  const stack = new AsyncDisposableStack();
  const server = stack.use(await new FakeApiServer().start());
  const metrics = new Metrics();
  const kube = stack.use(
    new HttpKubeClient({
      credentials: { source: "a test", server: server.url, verify: true, token: async () => undefined },
      clock: systemClock,
      metrics,
    }),
  );
  const options = {
    kube,
    clock,
    log: createLogger({ level: "silent" }),
    metrics: informerMetrics(metrics),
    random: () => 0.9,
  };
  const informer = stack.use(
    new Informer<KubeObject>({ ...options, path: nodes, ...(labelSelector ? { labelSelector } : {}) }),
  );
  const changed: string[] = [];
  informer.changes.subscribe((key) => changed.push(key));
  return {
    server,
    clock,
    informer,
    changed,
    options,
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

const node = (name: string, labels: Record<string, string> = {}) => ({ metadata: { name, labels } });

test("what is listed and what is watched are in the store, deletions too", async () => {
  await using t = await setUp();
  t.server.put(nodes, node("a"));
  await t.informer.start();
  assert.deepEqual(
    t.informer.list().map(({ metadata }) => metadata.name),
    ["a"],
  );
  t.server.put(nodes, node("b"));
  t.server.remove(`${nodes}/a`);
  await until("the deletion", () => t.informer.get("a") === undefined);
  assert.ok(t.informer.get("b"));
  assert.deepEqual(t.changed, ["a", "b", "a"]);
});

test("a broken watch resumes where it was: nothing is lost, nothing listed again", async () => {
  await using t = await setUp();
  await t.informer.start();
  await until("the watch", () => t.server.watchCount === 1);
  t.server.put(nodes, node("a"));
  await until("a", () => t.informer.get("a") !== undefined);
  t.server.breakWatches();
  t.server.put(nodes, node("b"));
  await until("b", () => t.informer.get("b") !== undefined);
  assert.equal(t.server.count("GET"), 1);
  assert.deepEqual(t.changed, ["a", "b"]);
});

test("a bookmark moves the position to resume from", async () => {
  await using t = await setUp("mine");
  await t.informer.start();
  await until("the watch", () => t.server.watchCount === 1);
  const other = t.server.put(nodes, node("other"));
  t.server.bookmark();
  t.server.put(nodes, node("a", { mine: "" }));
  await until("a", () => t.informer.get("a") !== undefined);
  t.server.compact();
  t.server.breakWatches();
  await until("another watch", () => t.server.count("WATCH") >= 2);
  const resumed = t.server.requests
    .filter(({ method }) => method === "WATCH")[1]
    ?.query.get("resourceVersion");
  assert.ok(Number(resumed) > Number(other.metadata.resourceVersion));
  assert.equal(t.server.count("GET"), 1);
});

test("after 410 everything is listed again, and only what differs is told", async () => {
  await using t = await setUp();
  for (const name of ["a", "b", "c"]) t.server.put(nodes, node(name));
  await t.informer.start();
  await until("the watch", () => t.server.watchCount === 1);
  t.changed.length = 0;
  t.server.fault = () => ({ status: 503 });
  t.server.breakWatches();
  t.server.put(nodes, node("b", { x: "y" }));
  t.server.remove(`${nodes}/c`);
  t.server.put(nodes, node("d"));
  t.server.compact();
  t.server.fault = undefined;
  await until("d", () => t.informer.get("d") !== undefined);
  assert.deepEqual(t.changed.toSorted(), ["b", "c", "d"]);
  assert.equal(t.server.count("GET"), 2);
});

test("a list that is too old before it is read is tried with back-off", async () => {
  await using t = await setUp();
  t.server.fault = () => ({ status: 410 });
  const starting = t.informer.start();
  const startedMs = performance.now();
  await until("three tries", () => t.server.count("GET") >= 3);
  // 200 and 400 ms, each less what jitter takes away.
  assert.ok(performance.now() - startedMs > 250, `${performance.now() - startedMs} ms`);
  t.server.fault = undefined;
  await starting;
});

test("start waits until the collection can be listed", async () => {
  await using t = await setUp();
  t.server.fault = () => ({ status: 403 });
  let started = false;
  const starting = t.informer.start().then(() => {
    started = true;
  });
  await until("two tries", () => t.server.count("GET") >= 2);
  assert.equal(started, false);
  t.server.fault = undefined;
  await starting;
});

test("a selector and a namespace narrow what is asked and kept", async () => {
  await using t = await setUp("mine");
  t.server.put(nodes, node("a"));
  t.server.put(nodes, node("b", { mine: "" }));
  await t.informer.start();
  assert.deepEqual(
    t.informer.list().map(({ metadata }) => metadata.name),
    ["b"],
  );
  for (const namespace of ["x", "y", "z"]) {
    t.server.put(`/api/v1/namespaces/${namespace}/pods`, { metadata: { name: "p", namespace } });
  }
  await using pods = new NamespacedInformer({
    ...t.options,
    path: "/api/v1",
    resource: "pods",
    namespaces: ["x", "y"],
  });
  await pods.start();
  assert.ok(pods.get("x/p") && pods.get("y/p"));
  assert.equal(pods.get("z/p"), undefined);
  assert.equal(pods.list().length, 2);
});

test("a namespace that may not be read keeps the others waiting no longer than until that is told", async () => {
  await using t = await setUp();
  t.server.put("/api/v1/namespaces/y/pods", { metadata: { name: "p", namespace: "y" } });
  let forbidden = ["x"];
  t.server.fault = ({ url = "" }) =>
    forbidden.some((name) => url.startsWith(`/api/v1/namespaces/${name}/`)) ? { status: 403 } : undefined;
  const options = { ...t.options, path: "/api/v1", resource: "pods", random: () => 0 };
  await using pods = new NamespacedInformer({ ...options, namespaces: ["x", "y"] });
  const reads: string[] = [];
  pods.reads.subscribe((namespace) => reads.push(namespace));
  await pods.start();
  assert.ok(pods.get("y/p"));
  assert.deepEqual([pods.hasRead("x"), pods.hasRead("y"), pods.hasRead("z")], [false, true, false]);
  t.clock.move(60_000);
  assert.equal(pods.unhealthyReason(), undefined);
  assert.deepEqual(reads, ["y"]);
  forbidden = [];
  await until("the namespace to be read", () => reads.length === 2);
  assert.equal(pods.hasRead("x"), true);
});

test("if no namespace may be read, the start waits, and the informer is unhealthy", async () => {
  await using t = await setUp();
  let forbidden = true;
  t.server.fault = () => (forbidden ? { status: 403 } : undefined);
  const options = { ...t.options, path: "/api/v1", resource: "pods", random: () => 0 };
  await using pods = new NamespacedInformer({ ...options, namespaces: ["x", "y"] });
  let started = false;
  const starting = pods.start().then(() => {
    started = true;
  });
  await until("two refusals", () => t.server.requests.length >= 4);
  assert.equal(started, false);
  assert.match(pods.unhealthyReason() ?? "", /has not been read yet/);
  forbidden = false;
  await starting;
});

test("disposal ends the watch and a start that still waits", async () => {
  const t = await setUp();
  t.server.fault = () => "hang";
  const starting = t.informer.start();
  await until("a request", () => t.server.requests.length > 0);
  await t[Symbol.asyncDispose]();
  await starting;
});

test("an informer is unhealthy until its collection has been read, and while its watch has been broken for 15 s", async () => {
  await using t = await setUp();
  assert.equal(t.informer.unhealthyReason(), "/api/v1/nodes has not been read yet");
  await t.informer.start();
  assert.equal(t.informer.unhealthyReason(), undefined);
  await until("the watch", () => t.server.watchCount === 1);
  t.server.fault = () => ({ status: 403 });
  t.server.breakWatches();
  await until("a refused watch", () => t.server.count("WATCH") >= 3);
  assert.equal(t.informer.unhealthyReason(), undefined);
  t.clock.move(15_000);
  assert.match(t.informer.unhealthyReason() ?? "", /^no news of \/api\/v1\/nodes for 1\d s$/);
  t.server.fault = undefined;
  await until("the watch again", () => t.informer.unhealthyReason() === undefined);
  assert.equal(t.server.watchCount, 1);
});
