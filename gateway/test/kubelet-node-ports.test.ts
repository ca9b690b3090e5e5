import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { test } from "node:test";
import { connect } from "node:tls";
import { Registry } from "../src/devices/registry.ts";
import { createLogger } from "../src/foundation/log.ts";
import { Metrics } from "../src/foundation/metrics.ts";
import { fixedCertificate } from "../src/kubelet/certificates/certificate-source.ts";
import { NodePorts, type NodePortsOptions } from "../src/kubelet/certificates/node-ports.ts";
import { selfSignedCertificate } from "../src/kubelet/certificates/self-signed.ts";
import { servingSubject } from "../src/kubelet/certificates/serving-certificate.ts";
import { openStore } from "../src/store/store.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";

const deadline = { timeout: 60_000 };
const selfSigned = (nodeName: string) =>
  fixedCertificate(() =>
    selfSignedCertificate({ subject: servingSubject(nodeName, ["127.0.0.1"]), nowMs: Date.now() }),
  );

/** A range of ports that nobody listened on a moment ago. */
async function freeRange(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const address = server.address();
  server.close();
  return typeof address === "object" && address ? address.port : 0;
}

const admit = (registry: Registry, name: string, nodeName = name) => {
  registry.admit({ namespace: "default", name, uid: `uid-${name}`, nodeName, paused: false });
  registry.learn(`default/${name}`, { phase: "Online" });
};

test(
  "the port of a Node has its certificate, its pods and its own paths, and no others",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    admit(kubelet.registry, "fan");
    const { certPem, keyPem } = await selfSigned("lamp").start(() => undefined);
    const port = await freeRange();
    await using listener = await kubelet.server.openNode("lamp", { port, certificate: { certPem, keyPem } });
    assert.ok(listener.isListening);
    const subject = await new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
        resolve(socket.getPeerCertificate().subject);
        socket.destroy();
      });
    });
    assert.deepEqual({ ...(subject as object) }, { O: "system:nodes", CN: "system:node:lamp" });
    const get = (path: string) => kubelet.get(path, { port });
    assert.equal((await get("/containerLogs/default/lamp/device")).code, 200);
    assert.deepEqual(await get("/containerLogs/default/fan/device"), {
      code: 404,
      body: 'pod "fan" does not exist',
    });
    assert.equal((await kubelet.get("/containerLogs/default/fan/device")).code, 200);
    assert.equal((await get("/healthz")).code, 200);
    const asked = kubelet.kube.accessReviews.map(({ name, subresource }) => `${subresource} ${name}`);
    assert.deepEqual(asked, ["proxy lamp", "proxy fan", "healthz lamp"]);
    for (const path of ["/pods", "/runningpods/"]) {
      const { items } = JSON.parse((await get(path)).body);
      assert.deepEqual(
        items.map(({ metadata }: { metadata: { name: string } }) => metadata.name),
        ["lamp"],
      );
    }
    const summary = JSON.parse((await get("/stats/summary")).body);
    assert.equal(summary.node.nodeName, "lamp");
    assert.equal((await get("/stats/nodes/lamp/summary")).code, 200);
    assert.equal((await get("/stats/nodes/fan/summary")).code, 404);
    assert.match((await get("/metrics/resource")).body, /scrape_error 1/);
    assert.match((await kubelet.get("/metrics/resource")).body, /scrape_error 0/);
    const unauthorised = await kubelet.get("/pods", { port, headers: {} });
    assert.equal(unauthorised.code, 401);
  },
);

test("the port of a Node takes 128 connections, and drops the next", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const port = await freeRange();
  const certificate = await selfSigned("lamp").start(() => undefined);
  await using listener = await kubelet.server.openNode("lamp", { port, certificate });
  assert.ok(listener.isListening);
  const sockets = Array.from({ length: 128 }, () => connectTcp(port, "127.0.0.1"));
  await Promise.all(sockets.map((socket) => once(socket, "connect")));
  const next = connectTcp(port, "127.0.0.1");
  next.on("error", () => undefined);
  await once(next, "close");
  assert.ok(sockets.every((socket) => !socket.destroyed));
  for (const socket of sockets) socket.destroy();
});

interface Opened {
  readonly nodeName: string;
  readonly port: number;
}

class Ports implements AsyncDisposable {
  readonly registry = new Registry(() => 0);
  readonly metrics = new Metrics();
  readonly store = openStore({ path: ":memory:", metrics: new Metrics() });
  readonly open = new Set<Opened>();
  readonly forgotten: string[] = [];
  readonly lines: string[] = [];
  /** Ports that somebody else listens on. */
  readonly busy = new Set<number>();
  nodePorts = this.make();

  make(overrides: Partial<NodePortsOptions> = {}): NodePorts {
    const { registry, store } = this;
    return new NodePorts({
      registry,
      firstPort: 100,
      count: 2,
      sharedPort: 99,
      keyValues: store.keyValues,
      log: createLogger({
        level: "warn",
        destination: { write: (line: string) => void this.lines.push(line) },
      }),
      metrics: this.metrics,
      certificateOf: () => fixedCertificate(async () => ({ certPem: "", keyPem: "" })),
      open: async (nodeName, { port }) => {
        if (this.busy.has(port)) throw new RangeError("EADDRINUSE");
        const opened = { nodeName, port };
        this.open.add(opened);
        return {
          useCertificate: () => undefined,
          [Symbol.asyncDispose]: async () => void this.open.delete(opened),
        };
      },
      closed: (nodeName) => this.forgotten.push(nodeName),
      ...overrides,
    });
  }

  get listening(): string[] {
    return [...this.open].map(({ nodeName, port }) => `${nodeName} ${port}`).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.nodePorts[Symbol.asyncDispose]();
    this.store[Symbol.dispose]();
  }
}

test("a range beyond the last port, or with the shared one in it, is refused", async () => {
  await using ports = new Ports();
  const code = "KUBELET_NODE_PORTS";
  const make = (overrides: Partial<NodePortsOptions>) => () =>
    ports.make({ metrics: new Metrics(), ...overrides });
  assert.throws(make({ firstPort: 65_535, count: 2 }), { code });
  assert.doesNotThrow(make({ firstPort: 65_535, count: 1 }));
  assert.throws(make({ sharedPort: 101 }), { code });
  assert.doesNotThrow(make({ sharedPort: 102 }));
});

test("a Device gets a port with its Node, at its first hello, and loses it with it", deadline, async () => {
  await using ports = new Ports();
  const { registry, nodePorts } = ports;
  nodePorts.start();
  registry.admit({ namespace: "default", name: "lamp", uid: "u", nodeName: "lamp", paused: false });
  assert.equal(nodePorts.ports.size, 0);
  registry.learn("default/lamp", { phase: "Online" });
  assert.deepEqual([...nodePorts.ports], [["lamp", 100]]);
  await nodePorts.settled;
  registry.learn("default/lamp", { phase: "Offline" });
  assert.deepEqual(ports.listening, ["lamp 100"]);
  registry.remove("default/lamp");
  await nodePorts.settled;
  assert.deepEqual([nodePorts.ports.size, ports.listening, ports.forgotten], [0, [], ["lamp"]]);
});

test(
  "beyond the range a Node has the shared port, which is told and counted, until one is free",
  deadline,
  async () => {
    await using ports = new Ports();
    const { registry, nodePorts, metrics } = ports;
    nodePorts.start();
    for (const name of ["a", "b", "c"]) admit(registry, name);
    registry.learn("default/c", {});
    await nodePorts.settled;
    assert.deepEqual(ports.listening, ["a 100", "b 101"]);
    assert.equal(await metrics.valueOf("motelet_kubelet_node_ports_missing"), 1);
    assert.match(ports.lines[0] ?? "", /"node":"c","limit":2/);
    registry.remove("default/a");
    await new Promise(setImmediate);
    await nodePorts.settled;
    assert.deepEqual(ports.listening, ["b 101", "c 100"]);
    assert.equal(await metrics.valueOf("motelet_kubelet_node_ports_missing"), 0);
    assert.equal(await metrics.valueOf("motelet_kubelet_node_ports_taken"), 2);
  },
);

test("a port that somebody else has is passed over, and the Node is written again", deadline, async () => {
  await using ports = new Ports();
  const { registry, nodePorts } = ports;
  ports.busy.add(100);
  nodePorts.start();
  let changes = 0;
  admit(registry, "a");
  registry.changes.subscribe(() => {
    changes += 1;
  });
  while (ports.open.size === 0) await new Promise(setImmediate);
  assert.deepEqual(ports.listening, ["a 101"]);
  assert.deepEqual([...nodePorts.ports], [["a", 101]]);
  assert.ok(changes > 0);
  assert.equal(await ports.metrics.valueOf("motelet_kubelet_node_port_failures_total"), 1);
});

test("a Node keeps its port over a restart, in whatever order the Nodes come", deadline, async () => {
  await using ports = new Ports();
  ports.nodePorts.start();
  admit(ports.registry, "a");
  admit(ports.registry, "b");
  await ports.nodePorts.settled;
  ports.store.database.flush();
  await ports.nodePorts[Symbol.asyncDispose]();
  assert.equal(ports.open.size, 0);
  const registry = new Registry(() => 0);
  ports.nodePorts = ports.make({ registry, metrics: new Metrics() });
  ports.nodePorts.start();
  admit(registry, "b");
  admit(registry, "a");
  await ports.nodePorts.settled;
  assert.deepEqual(ports.listening, ["a 100", "b 101"]);
});
