import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import { Duplex } from "node:stream";
import { after, before, suite, test } from "node:test";
import { type ConnectionOptions, connect } from "node:tls";
import { until } from "@motelet/testing";
import { CertificateFolder } from "../../../test/fakes/certificate-folder.ts";
import { isWholeRecord } from "./client-hello.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { keyOf, MqttTestBed, rawConnect } from "./mqtt-test-bed.ts";
import type { MqttSecurity } from "./security.ts";

let folder: CertificateFolder;
before(async () => {
  folder = await CertificateFolder.create();
});
after(() => folder[Symbol.dispose]());

const securities = {
  TLS: {
    security: (): MqttSecurity => ({ kind: "tls", certFile: folder.certFile, keyFile: folder.keyFile }),
    options: (): ConnectionOptions => ({ ca: folder.server.pem }),
  },
  PSK: {
    security: (): MqttSecurity => ({ kind: "psk" }),
    options: (wireId: string): ConnectionOptions => ({
      ciphers: "ECDHE-PSK-AES128-CBC-SHA256",
      maxVersion: "TLSv1.2",
      pskCallback: () => ({ psk: keyOf(wireId), identity: `${wireId}.1` }),
      checkServerIdentity: () => undefined,
    }),
  },
} as const;

/** Devices that ask for their handshakes at one moment, when all are connected. */
async function crowdOf(bed: MqttTestBed, count: number, optionsOf: (wireId: string) => ConnectionOptions) {
  const before = await connections(bed);
  const wires = Array.from({ length: count }, () => connectTcp(bed.port, "127.0.0.1").on("error", () => {}));
  await until("all are connected", async () => (await connections(bed)) === before + count);
  const devices = wires.map((socket, index) => {
    const wireId = `lamp${index}`;
    const client = connect({ socket, host: "127.0.0.1", ...optionsOf(wireId) });
    client.on("error", () => {});
    client.write(rawConnect(wireId));
    return new Promise<boolean>((resolve) => {
      client.once("data", () => resolve(true));
      client.once("close", () => resolve(false));
    });
  });
  return {
    /** How many were admitted, when each has been or has lost its connection. */
    admitted: Promise.all(devices).then((results) => results.filter((result) => result).length),
    [Symbol.dispose]() {
      for (const wire of wires) wire.destroy();
    },
  };
}

const connections = (bed: MqttTestBed) => bed.metrics.valueOf("motelet_mqtt_connections");

/** A ClientHello as it is on the wire, of a client that says nothing more. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const wire = new Duplex({ read() {}, write: (chunk) => resolve(chunk) });
  const client = connect({ ...options, socket: wire });
  client.on("error", () => {});
  const hello = await promise;
  client.destroy();
  return hello;
}

test("a record is whole with its last byte, and what is no handshake need not be", () => {
  const record = Buffer.concat([Buffer.from([22, 3, 1, 1, 2]), Buffer.alloc(0x102)]);
  for (const length of [0, 1, 4, 5, record.length - 1])
    assert.equal(isWholeRecord(record.subarray(0, length)), false, String(length));
  assert.equal(isWholeRecord(record), true);
  for (const refused of ["47", "1602", "1603014001"])
    assert.equal(isWholeRecord(Buffer.from(refused, "hex")), true, refused);
  assert.equal(isWholeRecord(Buffer.from("1603014000", "hex")), false);
  const long = Buffer.concat([Buffer.from([22, 3, 1, 0x40, 0]), Buffer.alloc(4_091)]);
  assert.equal(isWholeRecord(long.subarray(0, 4_095)), false);
  assert.equal(isWholeRecord(long), true);
});

test("a crowd is served by a machine that needs longer for it than the deadline of each", async () => {
  const limits = { handshakePlaces: 2, handshakePlaceMs: 50, handshakeDeadlineMs: 1_000 };
  await using bed = await MqttTestBed.start(limits, { kind: "psk" });
  // A slow machine: what 40 devices need is more than the deadline, what 2 need is far less.
  bed.keyCostMs = 30;
  const beganMs = performance.now();
  using crowd = await crowdOf(bed, 40, (wireId) => ({
    ...securities.PSK.options(wireId),
    ciphers: "TLS_AES_128_GCM_SHA256",
    maxVersion: "TLSv1.3",
    rejectUnauthorized: false,
  }));
  assert.equal(await crowd.admitted, 40);
  assert.ok(performance.now() - beganMs > limits.handshakeDeadlineMs);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 0);
});

for (const [name, { security, options }] of Object.entries(securities))
  suite(`${name}: handshakes in turn`, () => {
    const start = (limits: Partial<MqttLimits>) => MqttTestBed.start(limits, security());
    const waiting = (bed: MqttTestBed) => bed.metrics.valueOf("motelet_mqtt_waiting_handshakes");

    test("a crowd is served", { timeout: 60_000 }, async () => {
      await using bed = await start({ handshakePlaces: 4 });
      using crowd = await crowdOf(bed, 50, options);
      assert.equal(await crowd.admitted, 50);
      assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 0);
      assert.equal(await waiting(bed), 0);
    });

    test("peers that ask and then say nothing hold up an honest one for their time only", async () => {
      await using bed = await start({ handshakePlaces: 2, handshakePlaceMs: 100 });
      const hello = await helloOf(options("lamp"));
      for (let count = 0; count < 3; count++) (await bed.raw()).socket.write(hello);
      await until("one of them waits", async () => (await waiting(bed)) === 1);
      using crowd = await crowdOf(bed, 1, options);
      assert.equal(await crowd.admitted, 1);
      assert.equal(await waiting(bed), 0);
      assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 0);
    });

    test("peers that have not asked hold up nobody", async () => {
      await using bed = await start({ handshakePlaces: 2, handshakePlaceMs: 60_000 });
      const hello = await helloOf(options("lamp"));
      for (let count = 0; count < 3; count++) (await bed.raw()).socket.write(hello.subarray(0, -1));
      using crowd = await crowdOf(bed, 1, options);
      assert.equal(await crowd.admitted, 1);
    });

    test("one that has left does not wait any more, and one that waits too long is refused", async () => {
      await using bed = await start({ handshakePlaces: 1, handshakePlaceMs: 60_000, handshakeWaitMs: 500 });
      const hello = await helloOf(options("lamp"));
      const ask = async () => {
        const peer = await bed.raw();
        peer.socket.write(hello);
        return peer;
      };
      await ask();
      const [closed, reset, patient] = [await ask(), await ask(), await ask()];
      await until("three wait", async () => (await waiting(bed)) === 3);
      closed.socket.end();
      reset.socket.resetAndDestroy();
      await until("one waits", async () => (await waiting(bed)) === 1);
      assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 0);
      await patient.closed;
      assert.equal(await bed.refused("handshake-deadline"), 1);
      assert.equal(await waiting(bed), 0);
    });

    test("nobody takes the place of one that waits for its turn", async () => {
      const limits = { handshakePlaces: 1, handshakePlaceMs: 60_000 };
      await using bed = await start({ ...limits, pendingConnections: 3, pendingGraceMs: 0 });
      const hello = await helloOf(options("lamp"));
      const slow = await bed.raw();
      slow.socket.write(hello);
      const patient = await bed.raw();
      patient.socket.write(hello);
      await until("one waits", async () => (await waiting(bed)) === 1);
      // Each is the oldest that waits for nothing of ours when the next one comes.
      const silent = await bed.raw();
      await bed.raw();
      slow.socket.resume();
      await slow.closed;
      await bed.raw();
      await silent.closed;
      assert.equal(await bed.refused("pending-limit"), 2);
      assert.equal(patient.socket.destroyed, false);
    });
  });
