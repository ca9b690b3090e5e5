import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { systemClock } from "../src/foundation/clock.ts";
import { createLogger } from "../src/foundation/log.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { Gateway } from "../src/gateway.ts";
import { loadConfig } from "../src/load-config.ts";
import { OperationsServer, operationsLimits } from "../src/operations-server.ts";
import { MqttTransport } from "../src/transport/mqtt/mqtt-transport.ts";
import { ClientAuthority } from "./fakes/client-authority.ts";
import { FakeApiServer } from "./fakes/fake-api-server.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };

async function ask(port: number, path: string, method = "GET") {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method });
  return { code: answer.status, body: await answer.text() };
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

test("the operations port takes so many connections and not one more, and bytes that are no request are counted", async () => {
  const metrics = new Metrics();
  await using server = new OperationsServer({ host: "127.0.0.1", port: 0, metrics, readiness: {} });
  const { port } = await server.start();
  const refused = (reason: string) => metrics.valueOf("motelet_operations_refused_total", { reason });
  const open = () => {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    const closed = new Promise((resolve) => socket.once("close", resolve));
    return { socket, closed };
  };
  const crowd = Array.from({ length: operationsLimits.connections }, open);
  await Promise.all(crowd.map(({ socket }) => new Promise((resolve) => socket.once("connect", resolve))));
  await open().closed;
  assert.equal(await refused("connection-limit"), 1);
  const [first, ...others] = crowd;
  first?.socket.resume().write("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  await first?.closed;
  for (const { socket } of others) socket.destroy();
  await until("there is room", async () => (await ask(port, "/healthz")).code === 200);
  for (const [reason, bytes] of [
    ["not-http", Buffer.from([0x16, 3, 1, 2, 0])],
    ["header-too-long", `GET / HTTP/1.1\r\nx: ${"y".repeat(operationsLimits.headerBytes + 1)}`],
  ] as const) {
    const { socket, closed } = open();
    socket.resume().write(bytes);
    await closed;
    assert.equal(await refused(reason), 1);
  }
});

test("whatever path is asked for, the operations port answers, and goes on", async () => {
  const metrics = new Metrics();
  await using server = new OperationsServer({ host: "127.0.0.1", port: 0, metrics, readiness: {} });
  const { port } = await server.start();
  const statusOf = async (target: string) => {
    const socket = connect(port, "127.0.0.1");
    socket.write(`GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    const answer = Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>)).toString();
    return Number(answer.split(" ")[1]);
  };
  for (const target of [
    "//",
    "/\\\\",
    "http://[",
    "//%00",
    "/%",
    "/..//metrics",
    "*",
    `/${"x".repeat(4_000)}`,
  ])
    assert.equal(await statusOf(target), 404, target);
  for (const target of ["/healthz?verbose", "/healthz?", "/healthz"])
    assert.equal(await statusOf(target), 200, target);
});

test("readyz tells each part's reason on a line of its own, and nothing else when all is well", async () => {
  let reasons: Record<string, string | undefined> = { store: "full", mqtt: undefined, kubelet: "deaf" };
  await using server = new OperationsServer({
    host: "127.0.0.1",
    port: 0,
    metrics: new Metrics(),
    readiness: {
      store: () => reasons.store,
      mqtt: () => reasons.mqtt,
      kubelet: () => reasons.kubelet,
    },
  });
  const { port } = await server.start();
  assert.deepEqual(await ask(port, "/readyz"), { code: 503, body: "store: full\nkubelet: deaf\n" });
  assert.deepEqual(await ask(port, "/healthz"), { code: 200, body: "ok\n" });
  reasons = {};
  assert.deepEqual(await ask(port, "/readyz"), { code: 200, body: "ok\n" });
  assert.equal((await ask(port, "/readyz", "PUT")).code, 405);
  assert.equal((await ask(port, "/loglevel")).code, 404);
});

test("a check that fails is its part's reason, and the others are still asked", async () => {
  await using server = new OperationsServer({
    host: "127.0.0.1",
    port: 0,
    metrics: new Metrics(),
    readiness: {
      store: () => {
        throw new TypeError("no such table");
      },
      mqtt: () => "deaf",
    },
  });
  const { port } = await server.start();
  assert.deepEqual(await ask(port, "/readyz"), {
    code: 503,
    body: "store: cannot be asked: no such table\nmqtt: deaf\n",
  });
});

test("the kubelet API is unhealthy until it listens and knows the client CA", deadline, async () => {
  const unknown = new KubeletUnderTest();
  assert.equal(unknown.server.unhealthyReason(), "the kubelet API does not listen");
  await using running = await unknown.start();
  assert.match(
    running.server.unhealthyReason() ?? "",
    /^the CA of the API server's client certificate is not known/,
  );
  running.server.useClientCa((await ClientAuthority.create()).pem);
  assert.equal(running.server.unhealthyReason(), undefined);
});

test("MQTT is unhealthy as long as one of its listeners does not listen", deadline, async () => {
  const listeners = [await freePort(), await freePort()].map((port) => ({
    host: "127.0.0.1",
    port,
    security: { kind: "plain" as const },
  }));
  const transport = new MqttTransport({
    listeners,
    authenticator: {
      authenticate: () => ({ admitted: true }),
      admit: () => ({ admitted: true }),
      pskOf: () => undefined,
      refused: () => {},
      onRevoked: () => () => {},
    },
    acceptor: { opened: () => ({ message: () => {}, console: () => {}, closed: () => {} }) },
    log: createLogger({ level: "silent" }),
    metrics: new Metrics(),
    clock: systemClock,
  });
  const reason = `the plain broker on 127.0.0.1:${listeners[0]?.port} does not listen`;
  assert.equal(transport.unhealthyReason(), reason);
  await transport.start();
  assert.equal(transport.unhealthyReason(), undefined);
  await transport[Symbol.asyncDispose]();
  assert.equal(transport.unhealthyReason(), reason);
});

test(
  "a gateway says why it is not ready while it starts, and is ready when all parts are",
  deadline,
  async () => {
    await using folder = await temporaryFolder();
    await using server = await new FakeApiServer().start();
    const kubeconfig = join(folder.path, "kubeconfig");
    await writeFile(
      kubeconfig,
      JSON.stringify({
        "current-context": "fake",
        contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
        clusters: [{ name: "fake", cluster: { server: server.url } }],
        users: [{ name: "fake", user: { token: "t" } }],
      }),
    );
    const caFile = join(folder.path, "ca.pem");
    await writeFile(caFile, (await ClientAuthority.create()).pem);
    const operationsPort = await freePort();
    const { config } = loadConfig({
      flags: {
        "kubernetes.kubeconfig": kubeconfig,
        "kubelet.host": "127.0.0.1",
        "kubelet.port": "0",
        "kubelet.clientCaFile": caFile,
        "mqtt.port": "0",
        "operations.port": String(operationsPort),
      },
    });
    server.put("", { metadata: { name: "version" }, gitVersion: "v1.37.1" } as never);
    server.fault = ({ url }) => (url?.includes("/devices") ? { status: 403 } : undefined);
    const starting = Gateway.start(
      config,
      "0.1.0",
      createLogger({ level: "silent" }),
      new AbortController().signal,
    );
    const devices = "/apis/motelet.dev/v1alpha1/namespaces/default/devices";
    const wanted = `mirror: ${devices} has not been read yet\nmqtt: not started yet\n`;
    let last = "";
    await until("both reasons", async () => {
      last = (await ask(operationsPort, "/readyz").catch(() => ({ body: "" }))).body;
      return last === wanted;
    }).catch((error: unknown) => assert.fail(`${error}; last: ${last}`));
    server.fault = undefined;
    await using gateway = await starting;
    assert.equal(gateway.ports.operations, operationsPort);
    assert.deepEqual(await ask(operationsPort, "/readyz"), { code: 200, body: "ok\n" });
  },
);

async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "motelet-ready-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
