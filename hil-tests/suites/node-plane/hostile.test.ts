import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "@motelet/reference";
import { residentBytes } from "../../bench/bench-cluster.ts";
import { Authority } from "../../control-plane/authority.ts";
import { freePorts } from "../../control-plane/free-ports.ts";
import { collectGarbageFlags, NodePlane } from "../../rig/cluster/node-plane.ts";
import { apply, deviceManifest, type WireIdentity } from "../../rig/installation.ts";
import { waitFor } from "../../rig/wait.ts";
import { makeTemporaryFolder } from "../../rig/watchdog.ts";
import { AdmittedPeer } from "../../rig/wire/admitted-peer.ts";
import * as attack from "../../rig/wire/attacks.ts";

/*
 * Hostile input on every open port, while a fleet works: refused with a counter, no memory kept,
 * nobody else disturbed. Crowds attack all at once, each kind with a device of its own: what of a crowd comes through is a matter of luck.
 * What must be refused is tried one after the other on connections of their own. 10⁶ seeded inputs go through the real decoders elsewhere (gateway/test/fuzz.test.ts). MOTELET_SOAK=1: more rounds.
 */

const soak = process.env.MOTELET_SOAK !== undefined;
const rounds = soak ? { warmUp: 16, measured: 24 } : { warmUp: 2, measured: 2 };
/** After two rounds of warming up the process still takes what it will keep; what is held shows in the heap. */
const residentGrowth = soak ? 1.1 : 1.25;
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
  /** The identity of a device that nobody else uses: a kind of attack, or its victim. */
  readonly identity: (of: Identity) => WireIdentity;
}

const identities = ["doubtful", "fuzzer", "bulky", "hoarder", "twin", "forger", "guesser", "victim"] as const;
type Identity = (typeof identities)[number];

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

const hugePacket = Buffer.concat([Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), Buffer.alloc(100_000)]);

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
  "fuzzed CONNECTs": async ({ plain, identity }, random) => {
    await attack.say({ port: plain }, 40, () => {
      const bytes = attack.mqttConnect(identity("doubtful"));
      for (let flips = 0; flips < 3; flips++) {
        const at = Math.floor(random() * bytes.length);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
      }
      return bytes;
    });
  },
  "fuzzed messages of an admitted device": async ({ plain, identity }, random) => {
    const fuzzer = identity("fuzzer");
    const enter = async () => {
      const peer = await AdmittedPeer.enter(plain, fuzzer);
      await peer.subscribe([`m/${fuzzer.wireId}/d`]);
      return peer;
    };
    let peer = await enter();
    for (let count = 0; count < 500; count++) {
      // Arrays of a small number and rubbish reach the decoders of every kind.
      const body = bytesOf(random, 1 + Math.floor(random() * 60));
      const message =
        random() < 0.5 ? body : Buffer.concat([Buffer.of(0x80 | (2 + (count % 8)), count % 12), body]);
      peer.say(attack.mqttPublish(`m/${fuzzer.wireId}/u`, message));
      // A bye among them ends the connection.
      if (count % 50 === 49 && !(await peer.handled())) peer = await enter();
    }
    peer[Symbol.dispose]();
  },
  "oversized packets and headers": async ({ plain, tls, kubelet, operations, identity }) => {
    await attack.say({ port: plain }, 20, () => hugePacket);
    await attack.say({ port: tls, tls: true }, 10, () => hugePacket);
    const bulky = identity("bulky");
    const message = attack.mqttPublish(`m/${bulky.wireId}/u`, Buffer.alloc(60_000));
    await attack.say({ port: plain }, 5, () => Buffer.concat([attack.mqttConnect(bulky), message]));
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
  "a subscription to a million topics": async ({ plain, identity }) => {
    const some = attack.mqttSubscribe(Array.from({ length: 300 }, (_, index) => String(index % 10)));
    for (const filters of [millionTopics, some, attack.mqttSubscribe(["#", "$SYS/#", "+/+/+"])])
      await attack.say({ port: plain }, 1, () =>
        Buffer.concat([attack.mqttConnect(identity("hoarder")), filters]),
      );
  },
  "one client id again and again": async ({ plain, identity }) => {
    const twin = identity("twin");
    const hello = Buffer.concat([attack.mqttConnect(twin), attack.mqttSubscribe([`m/${twin.wireId}/d`])]);
    await attack.say({ port: plain }, 30, () => hello);
  },
  "wills, and names and passwords of others": async ({ plain, identity }) => {
    const [guesser, victim] = [identity("guesser"), identity("victim")];
    const will = { topic: `m/${victim.wireId}/u`, payload: "dead" };
    await attack.say({ port: plain }, 2, () => attack.mqttConnect(guesser, { will }));
    await attack.say({ port: plain }, 2, () => attack.mqttConnect(guesser, { clientId: victim.wireId }));
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

const forged = Buffer.from("forged");
const metricOfRefusals = "motelet_mqtt_refused_total";

/** Something that must be refused, tried on a connection of its own, and what must count it. */
interface Provocation {
  readonly what: string;
  readonly metric: string;
  readonly reason?: string;
  /** Returns when the gateway has refused it. */
  readonly attempt: (targets: Targets) => Promise<unknown>;
}

const byStranger = (
  what: string,
  counted: Pick<Provocation, "metric" | "reason">,
  approach: (targets: Targets) => attack.Approach,
  bytes: (targets: Targets) => Uint8Array,
): Provocation => ({
  what,
  ...counted,
  attempt: async (targets) =>
    assert.ok(await attack.provoke(approach(targets), bytes(targets)), `${what}: the connection stays open`),
});

/** Somebody who was let in and then does what he may not. */
const byForger = (
  what: string,
  reason: string,
  word: (own: WireIdentity, victim: WireIdentity) => Uint8Array,
): Provocation => ({
  what,
  metric: metricOfRefusals,
  reason,
  attempt: async ({ plain, identity }) => {
    using peer = await AdmittedPeer.enter(plain, identity("forger"));
    peer.say(word(identity("forger"), identity("victim")));
    await peer.shownOut();
  },
});

const plainPort = ({ plain }: Targets) => ({ port: plain });
const noise = () => Buffer.alloc(2_000, 0xa5);

const provocations: readonly Provocation[] = [
  byStranger(
    "a packet of 256 MB",
    { metric: metricOfRefusals, reason: "packet-too-long" },
    plainPort,
    () => hugePacket,
  ),
  byStranger(
    "a packet of 256 MB over TLS",
    { metric: metricOfRefusals, reason: "packet-too-long" },
    ({ tls }) => ({ port: tls, tls: true }),
    () => hugePacket,
  ),
  byStranger("HTTP for the broker", { metric: metricOfRefusals, reason: "not-mqtt" }, plainPort, () =>
    Buffer.from("GET / HTTP/1.1\r\n\r\n"),
  ),
  byStranger("two CONNECTs", { metric: metricOfRefusals, reason: "protocol" }, plainPort, ({ identity }) => {
    const hello = attack.mqttConnect(identity("guesser"));
    return Buffer.concat([hello, hello]);
  }),
  byStranger(
    "a wrong password",
    { metric: metricOfRefusals, reason: "wrong-password" },
    plainPort,
    ({ identity }) => attack.mqttConnect({ ...identity("victim"), password: "guess" }),
  ),
  byStranger(
    "noise instead of TLS",
    { metric: "motelet_kubelet_tls_errors_total" },
    ({ kubelet }) => ({ port: kubelet }),
    noise,
  ),
  byStranger(
    "noise instead of HTTP",
    { metric: "motelet_operations_refused_total" },
    ({ operations }) => ({ port: operations }),
    noise,
  ),
  byForger("another's uplink", "publish-topic", (_, victim) =>
    attack.mqttPublish(`m/${victim.wireId}/u`, forged),
  ),
  byForger("another's downlink", "publish-topic", (_, victim) =>
    attack.mqttPublish(`m/${victim.wireId}/d`, forged),
  ),
  byForger("a topic of the broker", "publish-topic", () => attack.mqttPublish("$SYS/x", forged)),
  byForger("a retained message", "publish-retained", (own) =>
    attack.mqttPublish(`m/${own.wireId}/u`, forged, 1),
  ),
  byForger("quality of service", "publish-qos", (own) => attack.mqttPublish(`m/${own.wireId}/u`, forged, 2)),
  {
    what: "a subscription to another's downlink",
    metric: metricOfRefusals,
    reason: "subscribe-topic",
    attempt: async ({ plain, identity }) => {
      using peer = await AdmittedPeer.enter(plain, identity("forger"));
      assert.deepEqual(await peer.subscribe([`m/${identity("victim").wireId}/d`]), [0x80]);
    },
  },
  {
    what: "a client id that is in use",
    metric: "motelet_mqtt_taken_over_total",
    attempt: async ({ plain, identity }) => {
      using first = await AdmittedPeer.enter(plain, identity("twin"));
      using _second = await AdmittedPeer.enter(plain, identity("twin"));
      await first.shownOut();
    },
  },
  {
    what: "a message that cannot be read",
    metric: "motelet_messages_refused_total",
    attempt: async ({ plain, identity }) => {
      const fuzzer = identity("fuzzer");
      using peer = await AdmittedPeer.enter(plain, fuzzer);
      await peer.subscribe([`m/${fuzzer.wireId}/d`]);
      peer.say(attack.mqttPublish(`m/${fuzzer.wireId}/u`, Buffer.of(0xff)));
      assert.ok(await peer.handled(), "a bad message is weather: the connection stays");
    },
  },
  {
    what: "noise on a serial line",
    metric: "motelet_serial_bad_frames_total",
    attempt: async ({ serial }) => void serial()?.write(Buffer.concat([Buffer.of(0), noise(), Buffer.of(0)])),
  },
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
  const made = await rig.makeDevices(identities);
  const identityOf = new Map(identities.map((name, index) => [name, made[index] as WireIdentity]));
  await waitFor(() => line !== undefined, { what: "the serial line", deadlineMs: 20_000 });
  const targets: Targets = {
    plain: gateway.ports.mqtt,
    tls,
    psk,
    kubelet: gateway.ports.kubelet,
    operations: gateway.ports.operations,
    serial: () => line,
    identity: (of) => identityOf.get(of) as WireIdentity,
  };

  // Each has its own numbers, so that they do not depend on who comes first.
  const randoms = Object.keys(attacks).map((_, index) => seededRandom(20_261_121 + index));
  const round = async () => {
    await Promise.all(
      Object.values(attacks).map((strike, index) => strike(targets, randoms[index] as () => number)),
    );
    for (const { what, metric, reason, attempt } of provocations) {
      const count = () => gateway.metric(metric, reason === undefined ? {} : { reason });
      const before = await count();
      await attempt(targets);
      await waitFor(async () => (await count()) > before, {
        what: `${metric} ${reason ?? ""} to count ${what}`,
        deadlineMs: 30_000,
      });
    }
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
  // A silent client is disconnected after 5 s, when the gateway gets to it; until then it is half-open, not forgotten.
  const tooSlow = () => gateway.metric(metricOfRefusals, { reason: "connect-deadline" });
  const slowBefore = await tooSlow();
  await attack.drip({ port: targets.plain }, 10, longConnect, 60_000);
  await waitFor(async () => (await tooSlow()) >= slowBefore + 10, {
    what: "10 slow CONNECTs to be counted",
    deadlineMs: 30_000,
  });
  const natural = residentBytes(gateway.process.pid);
  const after = await calm();
  const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  t.diagnostic(
    `RSS before ${mib(before.resident)} MiB, after ${rounds.measured} rounds ${mib(after.resident)} MiB (${((after.resident / before.resident - 1) * 100).toFixed(1)} %), ` +
      `heap in use ${mib(before.heap)} and ${mib(after.heap)} MiB; uncollected after each round ${curve.map(mib).join(" ")}, at the end ${mib(natural)}`,
  );

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
    after.resident <= before.resident * residentGrowth,
    `RSS: ${mib(before.resident)} MiB became ${mib(after.resident)} MiB`,
  );
  assert.ok(after.heap <= before.heap * 1.1, `heap: ${mib(before.heap)} MiB became ${mib(after.heap)} MiB`);
});
