import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { FakeApiServer } from "../../test/fakes/fake-api-server.ts";
import { ManualClock } from "../../test/fakes/manual-clock.ts";
import { systemClock } from "../foundation/clock.ts";
import { UnavailableError } from "../foundation/errors.ts";
import { Metrics } from "../foundation/metrics.ts";
import { HttpKubeClient } from "./client.ts";
import type { Credentials } from "./credentials.ts";
import { KubeApiError } from "./errors.ts";
import { kubeconfigCredentials } from "./kubeconfig.ts";
import { loadCredentials } from "./load-credentials.ts";
import { readWatchEvents } from "./watch.ts";

function clientFor(
  url: string,
  options: { token?: Credentials["token"]; requestTimeoutMs?: number } = {},
  metrics = new Metrics(),
) {
  return new HttpKubeClient({
    credentials: {
      source: "a test",
      server: url,
      verify: true,
      token: options.token ?? (async () => undefined),
    },
    clock: systemClock,
    metrics,
    timing: { requestTimeoutMs: options.requestTimeoutMs ?? 15_000 },
  });
}

test("an answered refusal is a KubeApiError with the API's reason", async () => {
  await using server = await new FakeApiServer().start();
  await using client = clientFor(server.url);
  await assert.rejects(client.get("/api/v1/nodes/lamp"), (error) => {
    assert.ok(error instanceof KubeApiError);
    assert.deepEqual([error.code, error.status], ["NotFound", 404]);
    return true;
  });
});

test("no answer within the deadline, and no server at all, are Unavailable", async () => {
  await using server = await new FakeApiServer().start();
  server.fault = () => "hang";
  await using client = clientFor(server.url, { requestTimeoutMs: 100 });
  await assert.rejects(client.get("/api/v1/nodes"), UnavailableError);
  const { url } = server;
  await server[Symbol.asyncDispose]();
  await using other = clientFor(url);
  await assert.rejects(other.get("/api/v1/nodes"), UnavailableError);
});

test("how writes are answered is told, reads are not; a refusal and an answer that does not come ask for fewer", async () => {
  await using server = await new FakeApiServer().start();
  const told: string[] = [];
  const pace = {
    answered: (tookMs: number, inFlight: number) => {
      assert.ok(tookMs >= 0);
      told.push(`answered ${inFlight}`);
    },
    refused: () => void told.push("refused"),
  };
  await using client = clientFor(server.url);
  await using paced = client.sibling({ connections: 4, pace });
  // Of its own: an answer that comes must not be late on a busy machine.
  await using hasty = client.sibling({ connections: 1, timing: { requestTimeoutMs: 100 }, pace });
  const node = (name: string) => ({ metadata: { name } });
  await paced.create("/api/v1/nodes", node("a"));
  await paced.get("/api/v1/nodes");
  await assert.rejects(paced.create("/api/v1/nodes", node("a")), { status: 409 });
  assert.deepEqual(told.splice(0), ["answered 1", "answered 1"], "a conflict is an answer");
  await Promise.all(["b", "c", "d"].map((name) => paced.create("/api/v1/nodes", node(name))));
  assert.deepEqual(told.splice(0).sort(), ["answered 1", "answered 2", "answered 3"]);
  for (const status of [429, 503]) {
    server.fault = () => ({ status });
    await assert.rejects(paced.create("/api/v1/nodes", node("e")), { status });
  }
  server.fault = () => "hang";
  await assert.rejects(hasty.create("/api/v1/nodes", node("e")), UnavailableError);
  assert.deepEqual(told.splice(0), ["refused", "refused", "refused"]);
  await server[Symbol.asyncDispose]();
  await assert.rejects(paced.create("/api/v1/nodes", node("e")), UnavailableError);
  assert.deepEqual(told, [], "a server that is away says nothing about how much it takes");
});

test("a sibling has connections of its own: one whose requests all hang holds up nothing of the other's", async () => {
  await using server = await new FakeApiServer().start();
  server.fault = ({ method }) => (method === "POST" ? "hang" : undefined);
  await using client = clientFor(server.url, { requestTimeoutMs: 60_000 });
  await using other = client.sibling({ connections: 1 });
  const cut = new AbortController();
  const hanging = Array.from({ length: 50 }, () =>
    client.create("/api/v1/nodes", {}, { signal: cut.signal }).catch(() => "cut"),
  );
  await until("the connections to be taken", () => server.count("POST") >= 8);
  await other.get("/api/v1/nodes");
  cut.abort();
  await Promise.all(hanging);
});

test("Retry-After is honoured three times, then the refusal is told", async () => {
  await using server = await new FakeApiServer().start();
  await using client = clientFor(server.url);
  let refusals = 3;
  server.fault = () => (refusals-- > 0 ? { status: 429, headers: { "retry-after": "0" } } : undefined);
  await client.get("/api/v1/nodes");
  assert.equal(server.count("GET"), 4);
  refusals = 4;
  await assert.rejects(client.get("/api/v1/nodes"), { code: "TooManyRequests" });
  assert.equal(server.count("GET"), 8);
});

for (const [said, waitsMs] of [
  ["2", 2_000],
  ["10", 10_000],
  ["3600", 10_000],
] as const) {
  test(`after Retry-After: ${said} the next try comes in ${waitsMs} ms and no sooner`, async () => {
    await using server = await new FakeApiServer().start();
    const clock = new ManualClock();
    const metrics = new Metrics();
    const credentials = { source: "a test", server: server.url, verify: true, token: async () => undefined };
    await using client = new HttpKubeClient({ credentials, clock, metrics });
    server.fault = () =>
      server.count("GET") === 1 ? { status: 429, headers: { "retry-after": said } } : undefined;
    const answered = client.get("/api/v1/nodes");
    await until("the client to wait", () => clock.isAwaited);
    clock.advance(waitsMs - 1);
    assert.ok(clock.isAwaited, "it came sooner");
    assert.equal(server.count("GET"), 1);
    clock.advance(1);
    await answered;
    assert.equal(server.count("GET"), 2);
    assert.equal(await metrics.valueOf("motelet_kube_retries_total"), 1);
  });
}

test("a refused token is read anew once", async () => {
  await using server = await new FakeApiServer().start();
  const asked: boolean[] = [];
  await using client = clientFor(server.url, {
    token: async (fresh) => {
      asked.push(fresh);
      return fresh ? "new" : "old";
    },
  });
  server.fault = (request) => (request.headers.authorization === "Bearer old" ? { status: 401 } : undefined);
  await client.get("/api/v1/nodes");
  server.fault = () => ({ status: 401 });
  await assert.rejects(client.get("/api/v1/nodes"), { code: "Unauthorized" });
  assert.deepEqual(asked, [false, true, false, true]);
});

test("a request that waits for a connection gives up in time, and is not sent later", async () => {
  await using server = await new FakeApiServer().start();
  let hang = true;
  server.fault = () => (hang ? "hang" : undefined);
  await using client = new HttpKubeClient({
    credentials: { source: "a test", server: server.url, verify: true, token: async () => undefined },
    clock: systemClock,
    metrics: new Metrics(),
    connections: 1,
    timing: { requestTimeoutMs: 200 },
  });
  const abort = new AbortController();
  const first = assert.rejects(client.get("/api/v1/nodes/first"), UnavailableError);
  const second = assert.rejects(client.get("/api/v1/nodes/second", { signal: abort.signal }), {
    name: "AbortError",
  });
  abort.abort();
  await second;
  await first;
  hang = false;
  // On a busy machine an answer may be late, too.
  await until("an answer", () =>
    client.get("/api/v1/nodes/third").then(
      () => false,
      (error) => error instanceof KubeApiError && error.code === "NotFound",
    ),
  );
  assert.deepEqual(
    [...new Set(server.requests.map(({ path }) => path))],
    ["/api/v1/nodes/first", "/api/v1/nodes/third"],
  );
});

test("an aborted request throws the signal's reason, an aborted watch just ends", async () => {
  await using server = await new FakeApiServer().start();
  await using client = clientFor(server.url);
  const abort = new AbortController();
  const watched: unknown[] = [];
  const watching = (async () => {
    for await (const event of client.watch("/api/v1/nodes", { signal: abort.signal })) watched.push(event);
  })();
  server.fault = () => "hang";
  const reason = new Error("enough");
  const request = client.get("/api/v1/nodes", { signal: abort.signal });
  abort.abort(reason);
  await assert.rejects(request, reason);
  await watching;
  assert.deepEqual(watched, []);
});

test("an answer that does not come gives up all connections, watches too; the next ones are new", async () => {
  await using server = await new FakeApiServer().start();
  const metrics = new Metrics();
  await using client = clientFor(server.url, { requestTimeoutMs: 100 }, metrics);
  const opened = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const _ of client.watch("/api/v1/nodes", { onOpen: opened.resolve }));
  })();
  const ended = assert.rejects(watching, { code: "KUBE_UNREACHABLE", message: /given up/ });
  await opened.promise;
  server.fault = () => "hang";
  const [first, second] = await Promise.allSettled([client.get("/api/v1/nodes"), client.get("/api/v1/pods")]);
  assert.deepEqual([first?.status, second?.status], ["rejected", "rejected"]);
  await ended;
  assert.equal(await metrics.valueOf("motelet_kube_reconnects_total"), 1);
  server.fault = undefined;
  // On a busy machine an answer may be late, too.
  await until("an answer", () =>
    client.get("/api/v1/nodes").then(
      () => true,
      () => false,
    ),
  );
});

test("a request leaves nothing on its caller's signal, answered, refused or timed out", async () => {
  await using server = await new FakeApiServer().start();
  await using client = clientFor(server.url);
  await using hasty = client.sibling({ timing: { requestTimeoutMs: 100 } });
  const { signal } = new AbortController();
  await client.get("/api/v1/nodes", { signal });
  await assert.rejects(client.get("/api/v1/nodes/lamp", { signal }), KubeApiError);
  server.fault = () => "hang";
  await assert.rejects(hasty.get("/api/v1/nodes", { signal }), {
    code: "KUBE_UNREACHABLE",
    message: "GET /api/v1/nodes: no complete answer within 100 ms",
  });
  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("a watch line at the bound is an event, one byte longer is refused", async () => {
  const line = `{"type":"BOOKMARK","object":{}}`;
  async function* halves() {
    const bytes = Buffer.from(`${line}\n`);
    yield bytes.subarray(0, 10);
    yield bytes.subarray(10);
  }
  const read = async (bound: number) => {
    const events: unknown[] = [];
    for await (const event of readWatchEvents(halves(), bound)) events.push(event);
    return events;
  };
  assert.deepEqual(await read(line.length), [{ type: "BOOKMARK", object: {} }]);
  await assert.rejects(read(line.length - 1), { code: "WATCH_LINE_TOO_LONG" });
});

test("a kubeconfig gives its current context; tokens come from its file or its exec plugin", async () => {
  const folder = await mkdtemp(join(tmpdir(), "motelet-kubeconfig-"));
  try {
    const path = join(folder, "config");
    const config = (user: unknown) =>
      JSON.stringify({
        "current-context": "here",
        clusters: [
          {
            name: "c",
            cluster: { server: "https://example.com:6443/prefix", "certificate-authority": "ca.pem" },
          },
        ],
        users: [{ name: "u", user }],
        contexts: [{ name: "here", context: { cluster: "c", user: "u", namespace: "field" } }],
      });
    await writeFile(join(folder, "ca.pem"), "CA");
    await writeFile(join(folder, "token"), "secret\n");
    await writeFile(path, config({ tokenFile: "token" }));
    const credentials = await kubeconfigCredentials(path);
    assert.equal(credentials.ca, "CA");
    assert.equal(await credentials.token(false), "secret");
    const plugin = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "printf",
      args: ['{"kind":"ExecCredential","status":{"token":"from-plugin"}}'],
      interactiveMode: "Never",
    };
    await writeFile(path, config({ exec: plugin }));
    assert.equal(await (await kubeconfigCredentials(path)).token(false), "from-plugin");
    await writeFile(path, config({ exec: { ...plugin, command: "no-such-program" } }));
    const broken = await kubeconfigCredentials(path);
    await assert.rejects(broken.token(false), { code: "KUBECONFIG_AUTH", message: /context "here"/ });
    await assert.rejects(kubeconfigCredentials(path, "elsewhere"), { code: "KUBECONFIG_CONTEXT" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("credentials are those of the flag, else of KUBECONFIG, else of the pod, else of ~/.kube/config", async () => {
  const folder = await mkdtemp(join(tmpdir(), "motelet-credentials-"));
  try {
    const file = async (name: string) => {
      const path = join(folder, name);
      const config = {
        "current-context": name,
        clusters: [{ name, cluster: { server: `https://${name}` } }],
        users: [{ name, user: { token: name } }],
        contexts: [{ name, context: { cluster: name, user: name } }],
      };
      await writeFile(path, JSON.stringify(config));
      return path;
    };
    await mkdir(join(folder, ".kube"));
    const [flag, first, second] = await Promise.all([file("flag"), file("first"), file("second")]);
    const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", KUBERNETES_SERVICE_PORT: "443" };
    const listed = { KUBECONFIG: [join(folder, "missing"), first, second].join(delimiter) };
    for (const name of ["token", "ca.crt"]) await writeFile(join(folder, name), name);
    const load = (wanted: { kubeconfig?: string; context?: string }, env: Record<string, string>) =>
      loadCredentials(wanted, { env, home: folder, serviceAccountFolder: folder });
    await assert.rejects(load({}, {}), { code: "NO_CREDENTIALS" });
    await rename(await file("own"), join(folder, ".kube", "config"));
    assert.equal((await load({ kubeconfig: flag }, { ...pod, ...listed })).server, "https://flag");
    const merged = await load({}, { ...pod, ...listed });
    assert.equal(merged.server, "https://first");
    assert.equal(merged.source, `${first}, ${second}, context "first"`);
    const other = await load({ context: "second" }, listed);
    assert.equal(`${other.server} ${await other.token(false)}`, "https://second second");
    assert.equal((await load({}, pod)).server, "https://10.0.0.1:443");
    assert.equal((await load({}, {})).server, "https://own");
    await assert.rejects(load({}, { KUBECONFIG: join(folder, "missing") }), { code: "KUBECONFIG_READ" });
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("15 s of silence make the API server unhealthy; a refusal is an answer, a server error is none", async () => {
  await using server = await new FakeApiServer().start();
  const clock = new ManualClock();
  await using client = new HttpKubeClient({
    credentials: { source: "a test", server: server.url, verify: true, token: async () => undefined },
    clock,
    metrics: new Metrics(),
  });
  server.fault = () => ({ status: 500 });
  await assert.rejects(client.get("/api/v1/nodes"));
  clock.advance(14_999);
  assert.equal(client.unhealthyReason(), undefined);
  clock.advance(1);
  assert.equal(client.unhealthyReason(), "no answer for 15 s: GET /api/v1/nodes: HTTP 500");
  server.fault = () => ({ status: 403 });
  await assert.rejects(client.get("/api/v1/nodes"));
  clock.advance(60_000);
  assert.equal(client.unhealthyReason(), undefined);
  await server[Symbol.asyncDispose]();
  await assert.rejects(client.get("/api/v1/nodes"), UnavailableError);
  clock.advance(20_000);
  await assert.rejects(Array.fromAsync(client.watch("/api/v1/nodes")), UnavailableError);
  assert.match(client.unhealthyReason() ?? "", /^no answer for 20 s: watch \/api\/v1\/nodes: /);
});
