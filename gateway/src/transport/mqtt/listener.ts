import { BlockList, createServer, isIP, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../../foundation/clock.ts";
import { ConfigError } from "../../foundation/errors.ts";
import type { Authenticator, WireIdentity } from "../directory.ts";
import type { HandshakeQueue } from "./handshake-queue.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import { peerOf } from "./peer.ts";
import type { MqttListenerOptions } from "./security.ts";
import type { SocketTable } from "./socket-table.ts";
import { type HandshakeRefusal, TlsTerminator } from "./tls-terminator.ts";

/** A connection on which MQTT may begin. */
export interface AcceptedSocket {
  /** Clear text, also if the network carries TLS. */
  readonly stream: Duplex;
  readonly peer: string;
  /** The identity that the TLS handshake has proved; absent: CONNECT will have a password. */
  readonly proven?: WireIdentity;
  /** Call it when the device is known: then the socket is no longer pending. */
  settle(): void;
}

/** Events of a listener for its owner; calls must not throw. */
export interface ListenerEvents {
  accepted(socket: AcceptedSocket): void;
  refused(
    reason: HandshakeRefusal,
    fields: { peer: string; userName?: string | undefined; err?: string },
  ): void;
  /** New certificate files are in use. With an error they are invalid, and the old ones stay in use. */
  reloaded(error?: Error): void;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Accepts connections on one port and, if configured, performs a TLS handshake. */
export class Listener implements AsyncDisposable {
  readonly #options: MqttListenerOptions;
  readonly #table: SocketTable;
  readonly #events: ListenerEvents;
  readonly #terminator: TlsTerminator | undefined;
  #server: Server | undefined;

  /** @throws ConfigError MQTT_PLAIN if passwords would cross a network in clear text */
  constructor(
    options: MqttListenerOptions,
    surroundings: {
      table: SocketTable;
      authenticator: Pick<Authenticator, "pskOf">;
      clock: Clock;
      queue: HandshakeQueue;
      limits: MqttLimits;
      events: ListenerEvents;
    },
  ) {
    const { host, security } = options;
    const { events, limits } = surroundings;
    this.#options = options;
    this.#table = surroundings.table;
    this.#events = events;
    if (security.kind !== "plain") {
      this.#terminator = new TlsTerminator({
        ...limits,
        ...surroundings,
        security,
        events: {
          ...events,
          queued: (socket) => this.#table.protect(socket),
          began: (socket) => this.#table.unprotect(socket),
          secured: ({ socket, ...secured }) => {
            events.accepted({ ...secured, settle: () => this.#table.settle(socket) });
          },
        },
      });
    } else if (!security.insecure && !isLoopback(host)) {
      throw new ConfigError(
        "MQTT_PLAIN",
        `cannot listen on ${host} without TLS: expected a loopback address, or "insecure" to be set`,
        { host },
      );
    }
  }

  /** @throws ConfigError MQTT_LISTEN if it cannot listen on the address, and errors of certificate files */
  async start(): Promise<{ port: number }> {
    this.#terminator?.start();
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    server.on("connection", (socket) => this.#accept(socket));
    this.#server = server;
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", (cause) => {
        const where = `${host}:${port}`;
        reject(
          new ConfigError("MQTT_LISTEN", `cannot listen for MQTT on ${where}: ${cause.message}`, { cause }),
        );
      });
      server.listen(port, host);
    });
    // Accept errors (no file descriptors left) pass; the server goes on listening.
    server.on("error", () => {});
    const address = server.address();
    return { port: typeof address === "object" && address ? address.port : port };
  }

  /** For readiness: the reason if devices cannot connect. */
  unhealthyReason(): string | undefined {
    const { host, port, security } = this.#options;
    return this.#server?.listening
      ? undefined
      : `the ${security.kind} broker on ${host}:${port} does not listen`;
  }

  /** Accepts no more connections; open ones stay. */
  stop(): void {
    this.#server?.close();
    this.#terminator?.[Symbol.dispose]();
  }

  /** Resolves when the port is free and no socket is left; the owner of the table closes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#terminator?.[Symbol.dispose]();
    const server = this.#server;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  #accept(socket: Socket): void {
    const peer = peerOf(socket);
    // Before anybody else listens: a reset between accept and hand-over must not end the process.
    socket.on("error", () => {});
    if (!this.#table.add(socket, peer)) return;
    if (this.#terminator) this.#terminator.enter(socket, peer);
    else this.#events.accepted({ stream: socket, peer, settle: () => this.#table.settle(socket) });
  }
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}
