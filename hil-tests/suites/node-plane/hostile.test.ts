import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { residentBytes } from "../../bench/bench-cluster.ts";
import { Authority } from "../../control-plane/authority.ts";
import { freePorts } from "../../control-plane/free-ports.ts";
import * as attack from "../../rig/attacks.ts";
import { apply, deviceManifest, type WireIdentity } from "../../rig/installation.ts";
import { collectGarbageFlags, NodePlane } from "../../rig/node-plane.ts";
import { seededRandom } from "../../rig/random.ts";
import { waitFor } from "../../rig/wait.ts";
import { makeTemporaryFolder } from "../../rig/watchdog.ts";

/*
 * Hostile input on every port that is open, beside a fleet that goes about its work: refused with a counter, no memory kept,
 * nobody else disturbed. 10⁶ seeded inputs go through the real decoders elsewhere (gateway/test/fuzz.test.ts). MOTELET_SOAK=1: more rounds.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const rounds = soak ? { warmUp: 16, measured: 24 } : { warmUp: 2, measured: 2 };
const fleet = 20;
const heartbeatS = 2;

interface Targets {
  readonly plain: number;
  readonly tls: number;
  readonly psk: number;
  readonly kubelet: number;
  readonly operations: number;
  /** The gateway's end of a serial line. */
  readonly serial: () => Socket | undefined;
  /** Who attacks with a device's own identity, and whom. */
  readonly mallory: WireIdentity;
  /** Attacks, too; undisturbed by what takes mallory's client id over. */
  readonly trudy: WireIdentity;
  readonly victim: WireIdentity;
}

/** A CONNECT that takes more than 20 s to say at 20 bytes/s. */
const longConnect = attack.mqttPacket(
  0x10,
  attack.mqttText("MQTT"),
  [4, 0xc2, 0, 0],
  attack.mqttText("x".repeat(500)),
);
const millionTopics = attack.mqttSubscribe(
  Array.from({ length: 1_000_000 }, (_, index) => String(index % 10)),
);

type Attack = (targets: Targets, random: () => number) => Promise<unknown>;

const bytesOf = (random: () => number, length: number) =>
  Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));

const attacks: Readonly<Record<string, Attack>> = {
  "bytes that mean nothing, on every port": async ({ plain, tls, psk, kubelet, operations }, random) => {
    const noise = () => bytesOf(random, 2_000);
    const approaches = [
      { port: plain },
      { port: tls },
      { port: tls, tls: true },
      { port: psk },
      { port: kubelet },
      { port: kubelet, tls: true },
      { port: operations },
    ];
    await Promise.all(approaches.map((approach) => attack.say(approach, 20, noise)));
  },
  "fuzzed CONNECTs": async ({ plain, mallory }, random) => {
    await attack.say({ port: plain }, 40, () => {
      const bytes = attack.mqttConnect(mallory);
      for (let flips = 0; flips < 3; flips++) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
      return bytes;
    });
  },
  "fuzzed messages of an admitted device": async ({ plain, trudy }, random) => {
    const uplink = `m/${trudy.wireId}/u`;
    const socket = await attack.open({ port: plain });
    socket
      .resume()
      .write(Buffer.concat([attack.mqttConnect(trudy), attack.mqttSubscribe([`m/${trudy.wireId}/d`])]));
    for (let count = 0; count < 500; count++) {
      // Arrays of a small number and rubbish reach the decoders of every kind.
      const body = bytesOf(random, 1 + Math.floor(random() * 60));
      const message =
        random() < 0.5 ? body : Buffer.concat([Buffer.of(0x80 | (2 + (count % 8)), count % 12), body]);
      socket.write(attack.mqttPublish(uplink, message));
      if (count % 50 === 0) await delay(5);
    }
    await delay(100);
    socket.destroy();
  },
  "oversized packets and headers": async ({ plain, tls, kubelet, operations, mallory }) => {
    const huge = Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(100_000)]);
    await attack.say({ port: plain }, 20, () => huge);
    await attack.say({ port: tls, tls: true }, 10, () => huge);
    const message = attack.mqttPublish(`m/${mallory.wireId}/u`, Buffer.alloc(60_000));
    await attack.say({ port: plain }, 5, () => Buffer.concat([attack.mqttConnect(mallory), message]));
    const header = Buffer.from(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(300_000)}\r\n\r\n`);
    await attack.say({ port: kubelet, tls: true }, 10, () => header);
    await attack.say({ port: operations }, 10, () => header);
  },
  "slow-loris": async ({ plain, tls, kubelet, operations }) => {
    const http = Buffer.from(`GET /metrics HTTP/1.1\r\nhost: ${"x".repeat(2_000)}`);
    await Promise.all([
      attack.drip({ port: plain }, 30, longConnect, 1_500),
      attack.drip({ port: tls, tls: true }, 20, longConnect, 1_500),
      attack.drip({ port: kubelet, tls: true }, 20, http, 1_500),
      attack.drip({ port: operations }, 30, http, 1_500),
    ]);
  },
  "half-open sockets": async ({ plain, tls, psk, kubelet, operations }) => {
    await Promise.all(
      [plain, tls, psk, kubelet, operations].map((port) => attack.holdOpen(port, 150, 1_000)),
    );
  },
  "a subscription to a million topics": async ({ plain, mallory }) => {
    const some = attack.mqttSubscribe(Array.from({ length: 300 }, (_, index) => String(index % 10)));
    for (const filters of [millionTopics, some, attack.mqttSubscribe(["#", "$SYS/#", "+/+/+"])])
      await attack.say({ port: plain }, 1, () => Buffer.concat([attack.mqttConnect(mallory), filters]));
  },
  "one client id again and again": async ({ plain, mallory }) => {
    const hello = Buffer.concat([
      attack.mqttConnect(mallory),
      attack.mqttSubscribe([`m/${mallory.wireId}/d`]),
    ]);
    await attack.say({ port: plain }, 30, () => hello);
  },
  "another's topic, retained messages, wills and strange deliveries": async ({ plain, mallory, victim }) => {
    const forged = Buffer.from("forged");
    const own = `m/${mallory.wireId}/u`;
    const theirs = `m/${victim.wireId}/u`;
    const words = [
      attack.mqttPublish(theirs, forged),
      attack.mqttPublish(`m/${victim.wireId}/d`, forged),
      attack.mqttPublish(own, forged, 1),
      attack.mqttPublish(own, forged, 2),
      attack.mqttPublish("$SYS/x", forged),
      attack.mqttSubscribe([`m/${victim.wireId}/d`]),
    ];
    await Promise.all(
      words.map((word) =>
        attack.say({ port: plain }, 2, () => Buffer.concat([attack.mqttConnect(mallory), word])),
      ),
    );
    const will = { topic: theirs, payload: "dead" };
    await attack.say({ port: plain }, 2, () => attack.mqttConnect(mallory, { will }));
    await attack.say({ port: plain }, 2, () => attack.mqttConnect(mallory, { clientId: victim.wireId }));
    await attack.say({ port: plain }, 10, () => attack.mqttConnect({ ...victim, password: "guess" }));
  },
  "questions by nobody": async ({ kubelet, operations }) => {
    const paths = [
      "/pods",
      "/exec/default/m0/device?command=x",
      "/containerLogs/default/m0/device",
      "/../../etc/passwd",
      "/%00",
      "//",
      "http://[",
    ];
    const question = (index: number) =>
      Buffer.from(
        `GET ${paths[index % paths.length]} HTTP/1.1\r\nhost: x\r\nconnection: ${index % 2 ? "close" : "upgrade\r\nupgrade: SPDY/3.1"}\r\n\r\n`,
      );
    await attack.say({ port: kubelet, tls: true }, 30, question);
    await attack.say({ port: operations }, 14, question);
  },
  "noise on a serial line": async ({ serial }, random) => {
    for (let count = 0; count < 20; count++) {
      serial()?.write(count % 2 ? bytesOf(random, 3_000) : Buffer.alloc(3_000, count % 3 ? 0x41 : 0));
      await delay(10);
    }
  },
};

/** What must have been counted, each at least once. */
const counted: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ...[
    "packet-too-long",
    "not-mqtt",
    "protocol",
    "connect-deadline",
    "publish-topic",
    "publish-retained",
    "publish-qos",
    "subscribe-topic",
    "wrong-password",
  ].map((reason) => ["motelet_mqtt_refused_total", { reason }] as const),
  ["motelet_mqtt_taken_over_total", {}],
  ["motelet_messages_refused_total", {}],
  ["motelet_kubelet_tls_errors_total", {}],
  ["motelet_serial_bad_frames_total", {}],
  ["motelet_operations_refused_total", {}],
];

test("hostile input on every open port", { timeout: 900_000 }, async (t) => {
  await using folder = makeTemporaryFolder("motelet-hostile-");
  const authority = await Authority.create("hostile");
  const pair = await authority.issue({ commonName: "broker", usage: "server", hosts: ["127.0.0.1"] });
  const certFile = path.join(folder.path, "broker.crt");
  const keyFile = path.join(folder.path, "broker.key");
  writeFileSync(certFile, pair.certificate);
  writeFileSync(keyFile, pair.key);
  const [tls = 0, psk = 0] = await freePorts(2);
  await using rig = await NodePlane.start({
    nodeFlags: collectGarbageFlags,
    settings: {
      "session.heartbeatS": String(heartbeatS),
      "mqtt.tls.enabled": "true",
      "mqtt.tls.host": "127.0.0.1",
      "mqtt.tls.port": String(tls),
      "mqtt.tls.certFile": certFile,
      "mqtt.tls.keyFile": keyFile,
      "mqtt.psk.enabled": "true",
      "mqtt.psk.host": "127.0.0.1",
      "mqtt.psk.port": String(psk),
    },
  });
  const { gateway, ready, plane } = rig;
  // A serial device that says nothing but noise.
  const serialPath = path.join(folder.path, "line.sock");
  let line: Socket | undefined;
  const lineServer = createServer((socket) => {
    line = socket.on("error", () => {}).resume();
  });
  await new Promise<void>((resolve) => lineServer.listen(serialPath, resolve));
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    lineServer.close();
    line?.destroy();
  });
  await apply(plane, deviceManifest("noisy", { port: `unix:${serialPath}` }));
  const names = Array.from({ length: fleet }, (_, index) => `m${index}`);
  const devices = await rig.bringUp(names);
  const [mallory, trudy, victim] = await rig.makeDevices(["mallory", "trudy", "victim"]);
  assert.ok(mallory && trudy && victim);
  await waitFor(() => line !== undefined, { what: "the serial line", deadlineMs: 20_000 });
  const targets: Targets = {
    plain: gateway.ports.mqtt,
    tls,
    psk,
    kubelet: gateway.ports.kubelet,
    operations: gateway.ports.operations,
    serial: () => line,
    mallory,
    trudy,
    victim,
  };

  const random = seededRandom(20_261_121);
  const round = async () => {
    await Promise.all(Object.values(attacks).map((strike) => strike(targets, random)));
    assert.equal(gateway.process.exitStatus, undefined, "the gateway has ended");
  };
  for (let count = 0; count < rounds.warmUp; count++) await round();
  const fromMs = performance.now();
  /** What is held, without what waits for a collector that is in no hurry: TLS holds much outside of the heap. */
  const calm = async () => {
    await waitFor(async () => (await gateway.metric("motelet_mqtt_pending_connections")) === 0, {
      what: "half-open sockets to be shown out",
      deadlineMs: 20_000,
    });
    const heap = await rig.collectGatewayGarbage();
    return { heap, resident: residentBytes(gateway.process.pid) };
  };
  const before = await calm();
  const curve: number[] = [];
  for (let count = 0; count < rounds.measured; count++) {
    await round();
    curve.push(residentBytes(gateway.process.pid));
  }
  // Who said nothing is shown out after 5 s; until then it is half-open, not forgotten.
  await attack.drip({ port: targets.plain }, 10, longConnect, 5_500);
  const natural = residentBytes(gateway.process.pid);
  const after = await calm();
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  t.diagnostic(
    `RSS before ${mib(before.resident)} MiB, after ${rounds.measured} rounds ${mib(after.resident)} MiB (${((after.resident / before.resident - 1) * 100).toFixed(1)} %), ` +
      `heap in use ${mib(before.heap)} and ${mib(after.heap)} MiB; uncollected after each round ${curve.map(mib).join(" ")}, at the end ${mib(natural)}`,
  );

  const counts = await Promise.all(
    counted.map(
      async ([name, labels]) =>
        [`${name} ${Object.values(labels)}`, await gateway.metric(name, labels)] as const,
    ),
  );
  t.diagnostic(counts.map(([name, count]) => `${name.trim()} ${count}`).join(", "));
  for (const [name, count] of counts) assert.ok(count > 0, `${name} counts nothing`);

  // Nobody else has noticed.
  assert.deepEqual(
    ready.since(fromMs).filter(({ node }) => names.includes(node)),
    [],
  );
  for (const { name, states } of devices)
    assert.deepEqual(
      states.filter(({ atMs, state }) => atMs > fromMs && state !== "online"),
      [],
      name,
    );
  const readyz = await fetch(`http://127.0.0.1:${targets.operations}/readyz`);
  assert.equal(readyz.status, 200, await readyz.text());
  assert.ok(
    after.resident <= before.resident * 1.1,
    `RSS: ${mib(before.resident)} MiB became ${mib(after.resident)} MiB`,
  );
  assert.ok(after.heap <= before.heap * 1.1, `heap: ${mib(before.heap)} MiB became ${mib(after.heap)} MiB`);
});
