import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";

export interface UdpFaults {
  /** Shares of the datagrams, 0 to 1. */
  readonly loss: number;
  readonly duplicates: number;
  /** Each datagram is late by 0 to this many milliseconds, so that they change their order. */
  readonly jitterMs: number;
  readonly seed: number;
}

/** Mulberry32: 0 ≤ random < 1, the same sequence for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A network between clients and a gateway on 127.0.0.1 that loses, repeats and reorders datagrams. Fates are seeded; when
 * they meet which datagram depends on timing. Each client has an address of its own at the gateway, as behind a NAT;
 * `rebind` gives all of them new ones.
 */
export class UdpProxy implements AsyncDisposable {
  readonly counts = { carried: 0, lost: 0, duplicated: 0 };
  readonly #front = createSocket("udp4");
  readonly #backs = new Map<number, Socket>();
  readonly #old: Socket[] = [];
  readonly #gatewayPort: number;
  readonly #random: () => number;
  #faults: UdpFaults;
  #isClosed = false;

  constructor(gatewayPort: number, faults: UdpFaults) {
    this.#gatewayPort = gatewayPort;
    this.#faults = faults;
    this.#random = seededRandom(faults.seed);
  }

  async start(): Promise<number> {
    this.#front.on("message", (bytes, { port }) =>
      this.#carry(() => this.#backOf(port).send(bytes, this.#gatewayPort, "127.0.0.1")),
    );
    this.#front.bind(0, "127.0.0.1");
    await once(this.#front, "listening");
    return this.#front.address().port;
  }

  /** From now on datagrams pass as they are. */
  heal(): void {
    this.#faults = { ...this.#faults, loss: 0, duplicates: 0, jitterMs: 0 };
  }

  /** The NAT forgets its bindings: clients reach the gateway from new ports, and replies to the old ones are lost. */
  rebind(): void {
    for (const socket of this.#backs.values()) {
      socket.removeAllListeners("message");
      this.#old.push(socket);
    }
    this.#backs.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    const sockets = [this.#front, ...this.#backs.values(), ...this.#old];
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }

  #backOf(clientPort: number): Socket {
    const known = this.#backs.get(clientPort);
    if (known) return known;
    const socket = createSocket("udp4");
    socket.on("message", (bytes) => this.#carry(() => this.#front.send(bytes, clientPort, "127.0.0.1")));
    this.#backs.set(clientPort, socket);
    return socket;
  }

  #carry(deliver: () => void): void {
    const { loss, duplicates, jitterMs } = this.#faults;
    if (this.#random() < loss) {
      this.counts.lost += 1;
      return;
    }
    const copies = this.#random() < duplicates ? 2 : 1;
    this.counts.carried += copies;
    this.counts.duplicated += copies - 1;
    for (let copy = 0; copy < copies; copy++)
      setTimeout(() => !this.#isClosed && deliver(), this.#random() * jitterMs);
  }
}
