import { createSocket, type Socket } from "node:dgram";
import { lookup } from "node:dns/promises";
import { OptionError } from "../errors.ts";

/** Port of CoAP (RFC 7252 §6.1). */
const coapPort = 5683;

export interface CoapAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `coap://host:port`; without a port, 5683.
 * @throws OptionError if it is anything else
 */
export function parseCoapUrl(text: string): CoapAddress {
  const url = URL.parse(text);
  const isBare = url && (url.pathname === "" || url.pathname === "/") && url.search === "" && url.hash === "";
  if (url?.protocol !== "coap:" || url.hostname === "" || url.username !== "" || !isBare)
    throw new OptionError("COAP_URL", `CoAP URL "${text}": expected coap://host or coap://host:port`);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? coapPort : Number(url.port),
  };
}

export interface CoapSocketEvents {
  /** Datagrams can be sent. */
  opened(): void;
  datagram(bytes: Buffer): void;
  /** It never opened, or cannot be used any more. */
  failed(reason: string): void;
}

/** A UDP socket that takes datagrams of one peer only, whose name it looks up once. No event comes after `close`. */
export class CoapSocket {
  readonly #events: CoapSocketEvents;
  #socket: Socket | undefined;
  #isOpen = false;
  #isClosed = false;

  constructor(address: CoapAddress, events: CoapSocketEvents) {
    this.#events = events;
    this.#open(address).catch((error: Error) => this.#fail(error.message));
  }

  send(bytes: Uint8Array): void {
    // A datagram that cannot be sent, for example because nobody listens, is a lost one.
    if (this.#isOpen && !this.#isClosed) this.#socket?.send(bytes, () => {});
  }

  /** Closes after what was sent. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const socket = this.#socket;
    if (!socket) return;
    // Datagrams of this turn are handed to the system in the next one.
    await new Promise<void>((resolve) => setImmediate(() => socket.close(() => resolve())));
  }

  async #open({ host, port }: CoapAddress): Promise<void> {
    const { address, family } = await lookup(host);
    if (this.#isClosed) return;
    const socket = createSocket(family === 6 ? "udp6" : "udp4");
    this.#socket = socket;
    socket.on("message", (bytes) => {
      if (!this.#isClosed) this.#events.datagram(bytes);
    });
    socket.on("error", (error) => {
      // Says that a datagram before was refused, as long as the gateway is away.
      if (!("code" in error && error.code === "ECONNREFUSED")) this.#fail(error.message);
    });
    socket.connect(port, address, () => {
      if (this.#isClosed) return;
      this.#isOpen = true;
      this.#events.opened();
    });
  }

  #fail(reason: string): void {
    if (this.#isClosed) return;
    void this.close();
    this.#events.failed(reason);
  }
}
