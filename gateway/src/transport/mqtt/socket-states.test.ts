import assert from "node:assert/strict";
import { connect as connectTcp, type Socket } from "node:net";
import { after, before, suite, test } from "node:test";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { until } from "@motelet/testing";
import { CertificateFolder } from "../../../test/fakes/certificate-folder.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { keyOf, MqttTestBed, next, rawConnect } from "./mqtt-test-bed.ts";
import type { MqttSecurity } from "./security.ts";

let folder: CertificateFolder;
before(async () => {
  folder = await CertificateFolder.create();
});
after(() => folder[Symbol.dispose]());

/** The first bytes of a TLS record that says it is a ClientHello, and no more. */
const halfHello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]);
const halfConnect = rawConnect("lamp").subarray(0, 5);

const securities = {
  plain: { security: (): MqttSecurity => ({ kind: "plain" }), secure: undefined },
  TLS: {
    security: (): MqttSecurity => ({ kind: "tls", certFile: folder.certFile, keyFile: folder.keyFile }),
    secure: (): ConnectionOptions => ({ ca: folder.server.pem }),
  },
  PSK: {
    security: (): MqttSecurity => ({ kind: "psk" }),
    secure: (): ConnectionOptions => ({
      ciphers: "PSK-AES128-GCM-SHA256",
      maxVersion: "TLSv1.2",
      pskCallback: () => ({ psk: keyOf("lamp"), identity: "lamp.1" }),
      checkServerIdentity: () => undefined,
    }),
  },
} as const;

/** Waits until a peer has come so far; on a busy machine its time may be over before, which is a state too. */
const reached = (socket: Socket, event: string) => next(socket, event).catch(() => {});

/** Peers of every state that the gateway's end of a connection can be in, each as far as it goes. */
async function peersInEveryState(bed: MqttTestBed, secure: (() => ConnectionOptions) | undefined) {
  const sockets: Socket[] = [];
  const note = (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
    return socket;
  };
  const raw = async () => {
    const socket = note(connectTcp({ port: bed.port, host: "127.0.0.1", allowHalfOpen: true }));
    await next(socket, "connect");
    return socket;
  };
  const opened = async () => {
    if (!secure) return await raw();
    const socket = note(connectTls({ port: bed.port, host: "127.0.0.1", ...secure() }));
    await reached(socket, "secureConnect");
    return socket;
  };
  const begin = secure ? halfHello : halfConnect;
  await raw();
  (await raw()).write(begin);
  (await raw()).end(begin);
  const broken = await raw();
  broken.write(begin);
  broken.resetAndDestroy();
  note(connectTcp(bed.port, "127.0.0.1"));
  await opened();
  (await opened()).write(halfConnect);
  (await opened()).end(halfConnect);
  const admitted = await opened();
  admitted.write(rawConnect("lamp"));
  await reached(admitted, "data");
  // Reads no more: what the gateway says, its end included, stays with it.
  admitted.pause();
  const gone = await opened();
  gone.write(rawConnect("lamp"));
  gone.destroy();
  return {
    sockets,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const connectionsOf = (bed: MqttTestBed) => bed.metrics.valueOf("motelet_mqtt_connections");

for (const [name, { security, secure }] of Object.entries(securities))
  suite(`${name}: the gateway drops sockets of every state without an exception`, () => {
    const start = (limits: Partial<MqttLimits> = {}) => MqttTestBed.start(limits, security());

    test("where it stops", { timeout: 60_000 }, async () => {
      await using bed = await start();
      using _peers = await peersInEveryState(bed, secure);
      await bed.stopTransport();
      await until("no connection is left", async () => (await connectionsOf(bed)) === 0);
    });

    test("where their time is over", { timeout: 60_000 }, async () => {
      const limits = { handshakeDeadlineMs: 200, connectDeadlineMs: 200 };
      await using bed = await start(limits);
      using _peers = await peersInEveryState(bed, secure);
      await until("only devices are left", async () => (await connectionsOf(bed)) <= 1);
    });

    test("where newcomers need their places", { timeout: 60_000 }, async () => {
      await using bed = await start({ pendingConnections: 12, pendingGraceMs: 0 });
      using _peers = await peersInEveryState(bed, secure);
      const newcomers = await Promise.all(Array.from({ length: 12 }, () => bed.raw()));
      await until("the newcomers have them", async () => (await connectionsOf(bed)) <= 13);
      for (const { socket } of newcomers) assert.equal(socket.destroyed, false);
    });
  });
