import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { ConfigError, messageOf } from "../../src/foundation/errors.ts";
import type { Transport, TransportContext } from "../../src/transport/carrier.ts";
import { UdpChannel } from "./udp-channel.ts";
import { udp } from "./udp-link.ts";

export interface UdpTransportOptions extends Omit<TransportContext, "authenticator"> {
  readonly host: string;
  readonly port: number;
  readonly rtoMs: number;
}

/** Datagrams that may wait in the process, bytes; a message beyond them is dropped. */
const maxQueuedBytes = 64 * 1024;

/** Devices at the addresses that links of Devices name: one channel for each, for as long as a Device names it. */
export class UdpTransport implements Transport {
  readonly #options: UdpTransportOptions;
  readonly #socket = createSocket("udp4");
  readonly #channels = new Map<string, UdpChannel>();
  readonly #dropped;
  #isBound = false;
  #endChanges: (() => void) | undefined;

  constructor(options: UdpTransportOptions) {
    this.#options = options;
    this.#dropped = options.metrics.counter("motelet_udp_dropped_total", "Datagrams that were dropped", [
      "reason",
    ]);
  }

  /** @throws ConfigError UDP_BIND if the address is not available */
  async start(): Promise<{ port: number }> {
    const { host, port, wantedLinks } = this.#options;
    this.#socket.on("message", (bytes, from) => this.#received(bytes, from));
    this.#socket.bind(port, host);
    try {
      await once(this.#socket, "listening");
    } catch (cause) {
      throw new ConfigError("UDP_BIND", `cannot bind udp.port ${host}:${port}: ${messageOf(cause)}`, {
        cause,
      });
    }
    // A send that fails is a lost datagram.
    this.#socket.on("error", () => this.#dropped.inc({ reason: "send" }));
    this.#isBound = true;
    this.#endChanges = wantedLinks.onChanged(() => this.#follow());
    this.#follow();
    return { port: this.#socket.address().port };
  }

  unhealthyReason(): string | undefined {
    return this.#isBound ? undefined : "the UDP socket is not bound";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#endChanges?.();
    for (const channel of this.#channels.values()) channel.close("gateway stops");
    if (this.#isBound) await new Promise<void>((resolve) => this.#socket.close(resolve));
    this.#isBound = false;
  }

  #follow(): void {
    const wanted = new Set(this.#options.wantedLinks.ports(udp).map(({ port }) => port));
    for (const [address, channel] of this.#channels) {
      if (wanted.has(address)) continue;
      this.#channels.delete(address);
      channel.close("no longer wanted");
    }
    for (const address of wanted) if (!this.#channels.has(address)) this.#open(address);
  }

  #open(address: string): void {
    const [host = "", port = ""] = address.split(":");
    const { acceptor, rtoMs } = this.#options;
    const channel = new UdpChannel(address, rtoMs, (message) => this.#send(message, Number(port), host));
    this.#channels.set(address, channel);
    channel.begin((opened) => acceptor.opened(opened));
  }

  #send(message: Uint8Array, port: number, host: string): boolean {
    const hasRoom = this.#isBound && this.#socket.getSendQueueSize() + message.length <= maxQueuedBytes;
    if (hasRoom) this.#socket.send(message, port, host);
    else this.#dropped.inc({ reason: "queue-full" });
    return hasRoom;
  }

  #received(bytes: Buffer, { address, port }: RemoteInfo): void {
    const channel = this.#channels.get(`${address}:${port}`);
    // A copy: the bytes belong to the receiver, and the buffer to a pool.
    if (channel) channel.received(new Uint8Array(bytes));
    else this.#dropped.inc({ reason: "unknown-address" });
  }
}
