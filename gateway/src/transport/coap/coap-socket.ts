import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { ConfigError, messageOf } from "../../foundation/errors.ts";
import type { CoapLimits } from "./coap-limits.ts";
import type { CoapMeters } from "./coap-meters.ts";
import { type PeerAddress, plainAddress } from "./message/peer.ts";

export interface CoapSocketOptions {
  readonly host: string;
  readonly port: number;
  readonly limits: CoapLimits;
  readonly meters: CoapMeters;
  readonly received: (bytes: Uint8Array, from: PeerAddress) => void;
}

/** One UDP socket for all peers. The address `::` serves IPv4, too. */
export class CoapSocket implements AsyncDisposable {
  readonly #options: CoapSocketOptions;
  #socket: Socket | undefined;

  constructor(options: CoapSocketOptions) {
    this.#options = options;
  }

  get isBound(): boolean {
    return this.#socket !== undefined;
  }

  /** @throws ConfigError COAP_BIND if the address is not available */
  async start(): Promise<{ port: number }> {
    const { host, port, limits, meters } = this.#options;
    const socket = createSocket({
      type: isIPv6(host) ? "udp6" : "udp4",
      recvBufferSize: limits.receiveBufferBytes,
      // Peers are addresses, never names: nothing is looked up.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    socket.on("message", (bytes, from) => this.#received(bytes, from));
    // Registered first: without a look-up the socket is bound in this turn.
    const listening = once(socket, "listening");
    socket.bind(port, host);
    try {
      await listening;
    } catch (cause) {
      socket.close();
      const message = `cannot bind coap.host and coap.port ${host} ${port}: ${messageOf(cause)}`;
      throw new ConfigError("COAP_BIND", message, { cause });
    }
    // A datagram that was not sent is a lost datagram.
    socket.on("error", () => meters.dropped("send-failed"));
    this.#socket = socket;
    return { port: socket.address().port };
  }

  /** @returns false: dropped and counted */
  send(bytes: Uint8Array, { address, port }: PeerAddress): boolean {
    const { limits, meters } = this.#options;
    const socket = this.#socket;
    if (!socket) return false;
    if (socket.getSendQueueSize() + bytes.length > limits.sendQueueBytes) {
      meters.dropped("send-queue-full");
      return false;
    }
    const isMapped = isIPv6(this.#options.host) && !address.includes(":");
    socket.send(bytes, port, isMapped ? `::ffff:${address}` : address, (error) => {
      if (error) meters.dropped("send-failed");
    });
    return true;
  }

  /** Sends what was queued, and closes. */
  async [Symbol.asyncDispose](): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    // A datagram leaves in the turn after it was given to the socket.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise<void>((resolve) => socket.close(resolve));
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): void {
    // There is nobody at port 0, and a reply to it is an error of the system.
    if (this.#socket && port !== 0) this.#options.received(bytes, { address: plainAddress(address), port });
  }
}
