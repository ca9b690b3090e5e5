import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { type ConnectionOptions, connect, createServer, type SecureVersion, type TLSSocket } from "node:tls";
import { until } from "@motelet/testing";
import type { IClientOptions } from "mqtt";
import { fateOf, keyOf, MqttTestBed, next, rawConnect, rawSubscribe } from "./mqtt-test-bed.ts";
import { PskHandshakes } from "./psk-handshakes.ts";

const versions = ["TLSv1.2", "TLSv1.3"] as const satisfies SecureVersion[];
const ciphers = "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256";
const deadline = { timeout: 60_000 };

function pskOptions(
  wireId: string,
  version: SecureVersion,
  { key = keyOf(wireId), identity = `${wireId}.1` }: { key?: Uint8Array; identity?: string } = {},
) {
  return {
    minVersion: version,
    maxVersion: version,
    ciphers,
    pskCallback: () => ({ psk: key, identity }),
    checkServerIdentity: () => undefined,
    // No certificate comes; the key proves the server.
    rejectUnauthorized: false,
  } satisfies ConnectionOptions;
}

function mqttOptions(...args: Parameters<typeof pskOptions>): IClientOptions {
  return { protocol: "mqtts", ...pskOptions(...args) } as IClientOptions;
}

const startBed = () => MqttTestBed.start({}, { kind: "psk" });

for (const version of versions) {
  test(`${version}: a device with the right key needs no password`, deadline, async () => {
    await using bed = await startBed();
    const options = mqttOptions("lamp", version);
    const { client, opened } = await bed.device("lamp", options);
    assert.deepEqual(opened.channel.identity, { kind: "wire-id", wireId: "lamp", generation: 1 });
    await client.publishAsync("m/lamp/u", "up");
    await until("it has arrived", () => opened.messages.length === 1);
    const heard = next(client, "message");
    opened.channel.send(Buffer.from("down"));
    await heard;
    assert.deepEqual(bed.claims, []);
    assert.equal(await bed.metrics.valueOf("motelet_mqtt_pending_connections"), 0);

    const anonymous = await bed.device("door", {
      ...mqttOptions("door", version),
      username: undefined,
      password: undefined,
    } as unknown as IClientOptions);
    assert.deepEqual(anonymous.opened.channel.identity, { kind: "wire-id", wireId: "door", generation: 1 });
  });

  test(
    `${version}: a wrong key and an unknown identity end alike and are told apart here`,
    deadline,
    async () => {
      await using bed = await startBed();
      const { opened } = await bed.device("lamp", mqttOptions("lamp", version));
      const tryWith = (more: { key?: Uint8Array; identity?: string }) =>
        fateOf(connect({ host: "127.0.0.1", port: bed.port, ...pskOptions("lamp", version, more) }));
      const wrong = await tryWith({ key: keyOf("door") });
      assert.ok(wrong?.startsWith("ERR_SSL"), wrong);
      await until("it is counted", async () => (await bed.refused("wrong-key")) === 1);
      for (const identity of ["nobody.1", "lamp.2", "lamp", "LAMP.1", "x".repeat(200)])
        assert.equal(await tryWith({ identity }), wrong, identity);
      await until("they are counted", async () => (await bed.refused("unknown-psk-identity")) === 5);
      assert.equal(bed.logLines("wrong-key")[0]?.userName, "lamp.1");
      // The transport does not know who owns the names that were shown.
      assert.deepEqual(
        bed.turnedAway.map(({ names }) => names.join()),
        ["lamp.1", "nobody.1", "lamp.2", "lamp", "LAMP.1", "x".repeat(200)],
      );
      assert.equal(opened.closedFor, undefined);
      assert.equal(bed.channels.length, 1);
    },
  );

  test(`${version}: who has proved one identity cannot connect as another`, deadline, async () => {
    await using bed = await startBed();
    const others: [IClientOptions, string, number][] = [
      [{ clientId: "door" }, "client-id", 2],
      [{ username: "door.1", clientId: "door" }, "user-name", 4],
      [{ username: "lamp.2" }, "user-name", 4],
      [{ username: "" }, "user-name", 4],
      [{ clean: false }, "persistent-session", 5],
    ];
    for (const [index, [options, reason, code]] of others.entries()) {
      const client = bed.client("lamp", { ...mqttOptions("lamp", version), ...options });
      assert.equal(((await next(client, "error")) as { code: number }).code, code, reason);
      assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), index + 1, reason);
    }
    assert.equal(bed.channels.length, 0);
  });

  test(
    `${version}: a revoked identity does not come back with the session of an earlier handshake`,
    deadline,
    async () => {
      await using bed = await startBed();
      const sessions: Buffer[] = [];
      const first = connect({ host: "127.0.0.1", port: bed.port, ...pskOptions("lamp", version) });
      first.on("session", (session) => sessions.push(session));
      const ended = fateOf(first);
      first.write(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")]));
      await until("its channel is open", () => bed.channels.length === 1);
      if (version === "TLSv1.2") sessions.push(first.getSession() as Buffer);
      await until("there is a session", () => sessions.length > 0);
      bed.revoke("lamp");
      await ended;
      assert.equal(bed.channels[0]?.closedFor, "revoked");

      for (const session of sessions) {
        for (const key of [keyOf("lamp"), keyOf("door")]) {
          const again = connect({
            host: "127.0.0.1",
            port: bed.port,
            ...pskOptions("lamp", version, { key }),
            session,
          });
          again.write(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")]));
          await fateOf(again);
        }
      }
      assert.equal(bed.channels.length, 1);
    },
  );

  test(`${version}: a handshake that took its key from an old session proves nothing`, deadline, async () => {
    // A server as ours is not: with tickets. This shows what the check on the identity is for.
    const handshakes = new PskHandshakes(({ wireId }) => keyOf(wireId));
    const proofs: unknown[] = [];
    const server = createServer(
      { ciphers, maxVersion: version, pskCallback: handshakes.answer },
      (socket) => {
        proofs.push(handshakes.proofOf(socket));
        socket.on("error", () => {}).end("bye");
      },
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address ? address.port : 0;
    let session: Buffer | undefined;
    for (let round = 0; round < 2; round++) {
      const socket = connect({
        host: "127.0.0.1",
        port,
        ...pskOptions("lamp", version),
        ...(session ? { session } : {}),
      });
      socket.on("session", (given) => {
        session = given;
      });
      await fateOf(socket);
    }
    server.close();
    assert.deepEqual(proofs, [{ wireId: "lamp", generation: 1 }, "resumed-session"]);
  });

  test(`${version}: keys of 16 to 256 bytes are taken, others are none`, deadline, async () => {
    await using bed = await startBed();
    for (const [length, taken] of [
      [15, false],
      [16, true],
      [256, true],
      [257, false],
      [0, false],
    ] as const) {
      const key = Buffer.alloc(length, 7);
      bed.keys.set("lamp", key);
      const socket = connect({
        host: "127.0.0.1",
        port: bed.port,
        ...pskOptions("lamp", version, { key: length === 0 ? Buffer.alloc(1) : key }),
      });
      const ended = fateOf(socket);
      const before = await bed.refused("unknown-psk-identity");
      if (taken) {
        await next(socket, "secureConnect");
        socket.destroy();
      } else {
        await ended;
        await until(`a key of ${length} bytes is counted`, async () => {
          return (await bed.refused("unknown-psk-identity")) === before + 1;
        });
      }
    }
  });
}

test("a key that changes between handshake and CONNECT ends the connection", deadline, async () => {
  await using bed = await startBed();
  const socket = connect({ host: "127.0.0.1", port: bed.port, ...pskOptions("lamp", "TLSv1.3") });
  const ended = fateOf(socket);
  await next(socket, "secureConnect");
  await until("the gateway has it", async () => {
    return (await bed.metrics.valueOf("motelet_mqtt_connections")) === 1;
  });
  // TLS 1.3: the client is done half a round trip before the server.
  socket.write(rawConnect("lamp").subarray(0, 1));
  await new Promise((resolve) => setTimeout(resolve, 50));
  bed.revoke("lamp");
  await ended;
  assert.equal(bed.channels.length, 0);
});

test("a key that changes during the handshake proves nothing any more", () => {
  let key = keyOf("lamp");
  const handshakes = new PskHandshakes(() => key);
  const socket = {} as TLSSocket;
  assert.deepEqual(handshakes.answer(socket, "lamp.1"), keyOf("lamp"));
  assert.deepEqual(handshakes.proofOf(socket), { wireId: "lamp", generation: 1 });
  key = keyOf("door");
  assert.equal(handshakes.proofOf(socket), "unknown-psk-identity");
});

test("a handshake that offers several identities proves none", () => {
  const handshakes = new PskHandshakes(({ wireId }) => keyOf(wireId));
  const socket = {} as TLSSocket;
  handshakes.answer(socket, "lamp.1");
  assert.deepEqual(handshakes.answer(socket, "lamp.1"), keyOf("lamp"));
  assert.deepEqual(handshakes.proofOf(socket), { wireId: "lamp", generation: 1 });
  assert.notDeepEqual(Buffer.from(handshakes.answer(socket, "door.1")), keyOf("door"));
  assert.equal(handshakes.proofOf(socket), "unknown-psk-identity");
});

test("what speaks no TLS-PSK is refused, and who leaves without a word is not", deadline, async () => {
  await using bed = await startBed();
  const probe = await bed.raw();
  probe.socket.destroy();
  await probe.closed;
  const plain = await bed.raw();
  plain.socket.resume().write(rawConnect("lamp"));
  await plain.closed;
  await until("it is counted", async () => (await bed.refused("handshake")) === 1);
  for (const version of versions) {
    const certificates = connect({
      host: "127.0.0.1",
      port: bed.port,
      rejectUnauthorized: false,
      minVersion: version,
      maxVersion: version,
    });
    assert.ok((await fateOf(certificates))?.startsWith("ERR_SSL"));
  }
  await until("they are counted", async () => (await bed.refused("handshake")) === 3);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 3);
  await until("no socket is left", async () => {
    return (await bed.metrics.valueOf("motelet_mqtt_connections")) === 0;
  });
});
