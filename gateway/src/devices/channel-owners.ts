import type { Metrics } from "../foundation/metrics.ts";
import type { Channel } from "../transport/channel.ts";
import type { DeviceFacts } from "./device.ts";
import { Identities } from "./identities.ts";
import type { RefusalNotes } from "./refusal-notes.ts";
import type { Registry } from "./registry.ts";
import { RegistryLinks } from "./wanted-links.ts";

/** Finds the device that owns a channel: by the proved identity, or by the port that the device's spec names. */
export class ChannelOwners implements Disposable {
  readonly identities: Identities;
  readonly links: RegistryLinks;
  readonly #registry: Registry;

  constructor(options: { registry: Registry; metrics: Metrics; notes: RefusalNotes }) {
    this.#registry = options.registry;
    this.identities = new Identities(options.registry, options.metrics, options.notes);
    this.links = new RegistryLinks(options.registry);
  }

  start(): void {
    this.identities.start();
    this.links.start();
  }

  [Symbol.dispose](): void {
    this.links[Symbol.dispose]();
    this.identities[Symbol.dispose]();
  }

  /** @returns undefined if no Device with this identity or port is served */
  ownerOf({ carrier, identity }: Pick<Channel, "carrier" | "identity">): DeviceFacts | undefined {
    const key =
      identity.kind === "port"
        ? this.links.deviceOf(carrier, identity.port)
        : this.identities.deviceOf(identity.wireId, identity.generation);
    return key === undefined ? undefined : this.#registry.get(key);
  }
}
