import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, test } from "node:test";
import { type ConnectionOptions, connect as connectTls, createServer as createTlsServer } from "node:tls";
import { until } from "@motelet/testing";
import { dropSocket } from "../src/carrier/drop-socket.ts";
import type { MqttConnection } from "../src/carrier/mqtt-connection.ts";
import { LibraryConnection } from "../src/carrier/mqtt-library.ts";
import { PacketConnection } from "../src/carrier/mqtt-packets.ts";

/** A key instead of certificates: what follows the handshake is the same. */
const psk = {
  ciphers: "PSK-AES128-GCM-SHA256",
  maxVersion: "TLSv1.2",
  pskCallback: () => ({ psk: Buffer.alloc(16, 7), identity: "lamp.3" }),
  checkServerIdentity: () => undefined,
} satisfies ConnectionOptions;
/** A handshake that ends in the middle: nobody answers. */
const tls = { rejectUnauthorized: false } satisfies ConnectionOptions;

/** A server that says nothing by itself, and whose ends of connections can be looked at. */
async function listen(server: Server, on: string | number = 0) {
  const sockets: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.on("error", () => {});
  });
  if (typeof on === "string") server.listen(on);
  else server.listen(on, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    sockets,
    port: typeof address === "object" && address ? address.port : 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const silent = () => listen(createServer({ allowHalfOpen: true }, (socket) => void socket.resume()));
const pskServer = () =>
  listen(
    createTlsServer({
      ciphers: psk.ciphers,
      maxVersion: psk.maxVersion,
      pskCallback: () => Buffer.alloc(16, 7),
    }),
  );

/** How a client opens, and what its socket has been through when it is dropped. */
const kinds = {
  plain: { open: (port: number) => connect(port, "127.0.0.1"), server: silent, opened: "connect" },
  TLS: {
    open: (port: number) => connectTls({ port, host: "127.0.0.1", ...tls }),
    server: silent,
    opened: "",
  },
  PSK: {
    open: (port: number) => connectTls({ port, host: "127.0.0.1", ...psk }),
    server: pskServer,
    opened: "secureConnect",
  },
} as const;

suite("a socket is dropped without an exception", () => {
  for (const [name, { open, server, opened }] of Object.entries(kinds)) {
    const cases: Record<string, (socket: Socket) => Promise<unknown>> = {
      connecting: async () => undefined,
      "that has just connected": (socket) => once(socket, "connect"),
      destroyed: async (socket) => socket.destroy(),
      "half-closed by itself": async (socket) => {
        await once(socket, opened || "connect");
        socket.end();
      },
      ...(opened ? { open: (socket) => once(socket, opened) } : {}),
    };
    for (const [state, reach] of Object.entries(cases))
      test(`${name}, ${state}`, async () => {
        await using peer = await server();
        const socket = open(peer.port);
        socket.on("error", () => {});
        await reach(socket);
        const gone = socket.closed ? undefined : once(socket, "close");
        dropSocket(socket);
        // And once more: who drops need not know that somebody has.
        dropSocket(socket);
        await gone;
        assert.ok(socket.destroyed);
        await until("the peer's end is closed", () =>
          peer.sockets.every(({ closed, readyState }) => closed || readyState !== "open"),
        );
      });
  }

  test("half-closed by the peer", async () => {
    await using peer = await listen(createServer((socket) => void socket.end()));
    const socket = connect({ port: peer.port, host: "127.0.0.1", allowHalfOpen: true });
    socket.resume();
    await once(socket, "end");
    const gone = once(socket, "close");
    dropSocket(socket);
    await gone;
  });

  test("a pipe, which knows no reset", async () => {
    const path = join(tmpdir(), `motelet-drop-${process.pid}.sock`);
    await using peer = await listen(createServer(), path);
    const socket = connect(path);
    await once(socket, "connect");
    const gone = once(socket, "close");
    dropSocket(socket);
    await gone;
    await until("the peer's end is closed", () =>
      peer.sockets.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
    );
  });

  test("plain TCP that is open is reset, so that the peer hears of it at once", async () => {
    await using peer = await listen(createServer());
    const socket = connect(peer.port, "127.0.0.1");
    await once(socket, "connect");
    await until("it is accepted", () => peer.sockets.length === 1);
    const [error] = (
      await Promise.all([once(peer.sockets[0] as Socket, "error"), dropSocket(socket)])
    ).flat() as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
  });
});

for (const [name, Connection] of Object.entries({ LibraryConnection, PacketConnection }))
  suite(`a ${name} is dropped without an exception`, () => {
    const events = { opened() {}, message() {}, heard() {}, lost() {} };
    const identity = { wireId: "lamp", generation: 3, password: "secret" };
    for (const [scheme, options] of [
      ["mqtt", {}],
      ["mqtts", { tls }],
      ["mqtts", { tls: psk }],
    ] as const)
      for (const [state, accepted] of [
        ["while it connects", 0],
        ["in the middle of its opening", 1],
      ] as const)
        test(`${scheme}${"tls" in options && options.tls === psk ? " with a key" : ""}, ${state}`, async () => {
          await using peer = await silent();
          const url = `${scheme}://127.0.0.1:${peer.port}`;
          const connection: MqttConnection = new Connection({ url, ...identity, ...options }, events);
          await until("it came so far", () => peer.sockets.length >= accepted);
          connection.drop();
          connection.drop();
          await connection.end();
          await until("the peer's end is closed", () =>
            peer.sockets.every(({ readableEnded, destroyed }) => readableEnded || destroyed),
          );
        });
  });
