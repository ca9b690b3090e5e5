import type { DeviceLink, LinkEvents } from "@motelet/reference";
import type { Channel, ChannelAcceptor, ChannelEvents, ProvenIdentity } from "../../src/transport/channel.ts";

/** What happens to one message on its way. */
export type Fate = (message: Uint8Array, direction: "up" | "down") => "pass" | "lose" | "twice";

/**
 * A line between a reference device and an acceptor, without any transport: whole messages, in order, one event-loop turn
 * late. What it does not do: frames, bandwidth, back-pressure (its buffer never fills), authentication.
 */
export class InProcessLink implements DeviceLink {
  readonly carrier;
  readonly rtoMs: number;
  readonly #acceptor: () => ChannelAcceptor;
  readonly #identity: ProvenIdentity;
  readonly #fate: Fate;
  #device: LinkEvents | undefined;
  #gateway: ChannelEvents | undefined;

  constructor(options: {
    acceptor: () => ChannelAcceptor;
    identity: ProvenIdentity;
    rtoMs?: number;
    fate?: Fate;
  }) {
    this.#acceptor = options.acceptor;
    this.#identity = options.identity;
    this.carrier = options.identity.kind === "port" ? ("serial" as const) : ("mqtt" as const);
    this.rtoMs = options.rtoMs ?? 100;
    this.#fate = options.fate ?? (() => "pass");
  }

  async start(events: LinkEvents): Promise<void> {
    this.#device = events;
    this.plug();
  }

  /** Opens the line, to whichever gateway there is now. */
  plug(): void {
    const channel: Channel = {
      carrier: this.carrier,
      peer: "in-process",
      peerAddress: "in-process",
      identity: this.#identity,
      maxMessageBytes: 1024,
      rtoMs: this.rtoMs,
      acksBeats: this.carrier === "serial",
      demandsHello: this.carrier === "serial",
      send: (message) => this.#carry(message, "down", (bytes) => this.#device?.message(bytes)),
      close: (reason) => this.unplug(reason),
    };
    this.#gateway = this.#acceptor().opened(channel);
    this.#device?.opened();
  }

  unplug(reason = "unplugged"): void {
    const gateway = this.#gateway;
    this.#gateway = undefined;
    gateway?.closed(reason);
    this.#device?.closed(reason);
  }

  /** The gateway's end dies silently: nothing is delivered any more, and there is no event. */
  cut(): void {
    this.#gateway = undefined;
  }

  send(message: Uint8Array): boolean {
    return this.#carry(message, "up", (bytes) => this.#gateway?.message(bytes));
  }

  print(text: string): void {
    this.#gateway?.console(Buffer.from(text));
  }

  reset(): void {}

  async stop(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.unplug("stopped");
  }

  #carry(message: Uint8Array, direction: "up" | "down", deliver: (bytes: Uint8Array) => void): boolean {
    const gateway = this.#gateway;
    if (!gateway) return false;
    const fate = this.#fate(message, direction);
    const copies = { pass: 1, lose: 0, twice: 2 }[fate];
    for (let copy = 0; copy < copies; copy++)
      setImmediate(() => {
        if (this.#gateway === gateway) deliver(message.slice());
      });
    return true;
  }
}
