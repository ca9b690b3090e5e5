import type { MessageKind } from "@motelet/profiles";
import type { SimulatedGateway } from "@motelet/testing";
import type { DeviceLink, LinkEvents } from "../src/index.ts";

/** A device's link to a fake gateway in the same process: whole messages, in order, one turn of the event loop late. */
export class LoopLink implements DeviceLink {
  readonly carrier;
  readonly rtoMs = 100;
  readonly printed: string[] = [];
  readonly #gateway: SimulatedGateway;
  #events: LinkEvents | undefined;

  constructor(gateway: SimulatedGateway, carrier: "mqtt" | "serial" = "serial") {
    this.#gateway = gateway;
    this.carrier = carrier;
  }

  async start(events: LinkEvents): Promise<void> {
    this.#events = events;
    this.plug();
  }

  plug(): void {
    this.#gateway.attach((message) => setImmediate(() => this.#events?.message(message)));
    this.#events?.opened();
  }

  unplug(reason = "unplugged"): void {
    this.#gateway.mute();
    this.#events?.closed(reason);
  }

  send(message: Uint8Array, _kind: MessageKind): boolean {
    const copy = Uint8Array.from(message);
    setImmediate(() => this.#gateway.receive(copy));
    return true;
  }

  print(text: string): void {
    this.printed.push(text);
  }

  /** Input for the console. */
  type(text: string): void {
    this.#events?.console(Buffer.from(text));
  }

  reset(): void {}

  async stop(): Promise<void> {
    this.#events = undefined;
  }
}
