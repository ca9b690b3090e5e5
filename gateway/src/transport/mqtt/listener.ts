import { BlockList, createServer, isIP, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { ConfigError } from "../../foundation/errors.ts";

/** What a listener tells its owner; calls must not throw. */
export interface ListenerEvents {
  accepted(socket: Duplex, peer: string): void;
  /** A socket over the limit was closed. */
  refused(reason: "connection-limit", peer: string): void;
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/**
 * Accepts TCP connections up to a limit. Without TLS, so on loopback only unless told otherwise; TLS takes its place
 * by handing over a `tls.TLSSocket` through the same event.
 */
export class Listener implements AsyncDisposable {
  readonly #host: string;
  readonly #port: number;
  readonly #maxConnections: number;
  readonly #events: ListenerEvents;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  /** @throws ConfigError MQTT_PLAIN where passwords would cross a network in clear text */
  constructor(options: {
    host: string;
    port: number;
    insecure: boolean;
    maxConnections: number;
    events: ListenerEvents;
  }) {
    if (!options.insecure && !isLoopback(options.host)) {
      throw new ConfigError(
        "MQTT_PLAIN",
        `cannot listen on ${options.host} without TLS: expected a loopback address, or "insecure" to be set`,
        { host: options.host },
      );
    }
    this.#host = options.host;
    this.#port = options.port;
    this.#maxConnections = options.maxConnections;
    this.#events = options.events;
  }

  /** @throws ConfigError MQTT_LISTEN where the address cannot be had */
  async start(): Promise<{ port: number }> {
    const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 });
    server.on("connection", (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", (cause) => {
        const where = `${this.#host}:${this.#port}`;
        reject(
          new ConfigError("MQTT_LISTEN", `cannot listen for MQTT on ${where}: ${cause.message}`, { cause }),
        );
      });
      server.listen(this.#port, this.#host);
    });
    // Accept errors (no file descriptors left) pass; the server goes on listening.
    server.on("error", () => {});
    const address = server.address();
    return { port: typeof address === "object" && address ? address.port : this.#port };
  }

  /** Takes no more connections; those that are open stay. */
  stop(): void {
    this.#server?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(socket: Socket): void {
    const peer = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
    // Before anybody else listens: a reset between accept and hand-over must not end the process.
    socket.on("error", () => {});
    if (this.#sockets.size >= this.#maxConnections) {
      socket.destroy();
      this.#events.refused("connection-limit", peer);
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    this.#events.accepted(socket, peer);
  }
}

function isLoopback(host: string): boolean {
  if (host === "localhost") return true;
  const family = isIP(host);
  return family !== 0 && loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}
