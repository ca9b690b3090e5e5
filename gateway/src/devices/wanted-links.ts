import type { CarrierName } from "@motelet/profiles";
import type { WantedLinks, WantedPort } from "../transport/directory.ts";
import type { DeviceSpec } from "./device.ts";
import type { Registry } from "./registry.ts";

/** A port, and the devices that name it, in the order in which they came. */
interface Claim {
  readonly carrier: CarrierName;
  readonly port: string;
  readonly devices: readonly string[];
}

/**
 * The ports that the devices' specs name, with the owner of each: the first device that names a port. Ports of paused
 * devices stay open, so that no other device uses them; the paused device is refused.
 */
export class RegistryLinks implements WantedLinks, Disposable {
  readonly #registry: Registry;
  readonly #listeners = new Set<() => void>();
  readonly #specs = new Map<string, DeviceSpec>();
  readonly #claims = new Map<string, Claim>();
  #unsubscribe: (() => void) | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  start(): void {
    this.#unsubscribe = this.#registry.follow((key) => this.#follow(key));
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
  }

  ports(carrier: CarrierName): readonly WantedPort[] {
    return [...this.#claims.values()].flatMap(({ carrier: named, port, devices: [device] }) =>
      named === carrier && device !== undefined ? { port, device } : [],
    );
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Key of the device that a port belongs to. */
  deviceOf(carrier: CarrierName, port: string): string | undefined {
    return this.#claims.get(claimKey({ carrier, port }))?.devices[0];
  }

  #follow(key: string): void {
    const spec = this.#registry.get(key)?.spec;
    const before = this.#specs.get(key);
    if (spec === before) return;
    if (spec) this.#specs.set(key, spec);
    else this.#specs.delete(key);
    const [now, then] = [portsOf(spec), portsOf(before)];
    if ([...now.keys()].join("\n") === [...then.keys()].join("\n")) return;
    for (const id of then.keys()) if (!now.has(id)) this.#release(id, key);
    for (const [id, port] of now)
      if (!then.has(id))
        this.#claims.set(id, { ...port, devices: [...(this.#claims.get(id)?.devices ?? []), key] });
    for (const listener of this.#listeners) listener();
  }

  #release(id: string, key: string): void {
    const claim = this.#claims.get(id);
    const devices = claim?.devices.filter((other) => other !== key) ?? [];
    if (claim && devices.length > 0) this.#claims.set(id, { ...claim, devices });
    else this.#claims.delete(id);
  }
}

function claimKey({ carrier, port }: Pick<Claim, "carrier" | "port">): string {
  return `${carrier} ${port}`;
}

function portsOf(spec: DeviceSpec | undefined): ReadonlyMap<string, Pick<Claim, "carrier" | "port">> {
  const named = (spec?.links ?? []).flatMap(({ carrier, port }) =>
    port === undefined ? [] : { carrier, port },
  );
  return new Map(named.map((port) => [claimKey(port), port]));
}
