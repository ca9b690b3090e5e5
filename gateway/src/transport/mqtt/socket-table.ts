import type { Socket } from "node:net";
import type { Clock } from "../../foundation/clock.ts";
import type { MqttLimits } from "./mqtt-limits.ts";
import type { MqttMeters } from "./mqtt-meters.ts";

/** Called when a socket exceeds a limit; must not throw. */
export type SocketRefused = (reason: "connection-limit" | "pending-limit", peer: string) => void;

interface Pending {
  readonly peer: string;
  readonly sinceMs: number;
}

/**
 * All sockets of a transport, over all its listeners, and their two limits. A socket is pending until its device is
 * known, during TLS handshake and CONNECT: so unknown clients can use up the places of pending sockets, but never those
 * of devices. If these places are full, a new socket replaces the longest pending one that has had `pendingGraceMs`:
 * silent sockets cannot keep devices out, and devices of a fleet that connects at once do not replace each other. A
 * socket that waits for the gateway is never replaced: it would lose its place, connect again, and replace another one.
 */
export class SocketTable {
  readonly #limits: MqttLimits;
  readonly #clock: Clock;
  readonly #meters: MqttMeters;
  readonly #refused: SocketRefused;
  readonly #sockets = new Set<Socket>();
  /** Oldest first. */
  readonly #pending = new Map<Socket, Pending>();
  /** Also pending, but they are not replaced. */
  readonly #protected = new Map<Socket, Pending>();

  constructor(options: { limits: MqttLimits; clock: Clock; meters: MqttMeters; refused: SocketRefused }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#meters = options.meters;
    this.#refused = options.refused;
  }

  /** @returns false if there is no place: the socket is closed and counted */
  add(socket: Socket, peer: string): boolean {
    const refusal =
      this.#sockets.size >= this.#limits.connections
        ? "connection-limit"
        : this.#pendingCount >= this.#limits.pendingConnections && !this.#evict()
          ? "pending-limit"
          : undefined;
    if (refusal) {
      socket.destroy();
      this.#refused(refusal, peer);
      return false;
    }
    this.#sockets.add(socket);
    this.#pending.set(socket, { peer, sinceMs: this.#clock.monotonicMs() });
    socket.once("close", () => {
      this.#sockets.delete(socket);
      this.settle(socket);
    });
    this.#measure();
    return true;
  }

  /** The socket's device is known. */
  settle(socket: Socket): void {
    this.#pending.delete(socket);
    this.#protected.delete(socket);
    this.#measure();
  }

  /** The socket waits for the gateway: until `unprotect` it is not replaced. */
  protect(socket: Socket): void {
    const pending = this.#pending.get(socket);
    if (!pending) return;
    this.#pending.delete(socket);
    this.#protected.set(socket, pending);
  }

  /** The gateway waits for the socket: its grace time starts again. */
  unprotect(socket: Socket): void {
    const pending = this.#protected.get(socket);
    if (!pending) return;
    this.#protected.delete(socket);
    this.#pending.set(socket, { ...pending, sinceMs: this.#clock.monotonicMs() });
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  get #pendingCount(): number {
    return this.#pending.size + this.#protected.size;
  }

  #evict(): boolean {
    const [oldest] = this.#pending;
    if (!oldest) return false;
    const [socket, { peer, sinceMs }] = oldest;
    if (this.#clock.monotonicMs() - sinceMs < this.#limits.pendingGraceMs) return false;
    // At once, not when it has closed: the newcomer takes its place now.
    this.#sockets.delete(socket);
    this.#pending.delete(socket);
    socket.destroy();
    this.#refused("pending-limit", peer);
    return true;
  }

  #measure(): void {
    this.#meters.connections(this.#sockets.size, this.#pendingCount);
  }
}
