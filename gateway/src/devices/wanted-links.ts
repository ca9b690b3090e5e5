import type { WantedLinks, WantedPort } from "../transport/directory.ts";
import type { DeviceSpec } from "./device.ts";
import type { Registry } from "./registry.ts";

/**
 * Which serial ports the devices' specs name, and whose each is: the first device that names a port has it. Ports of
 * paused devices stay open, so that nothing else takes them; their device is refused.
 */
export class RegistryLinks implements WantedLinks, Disposable {
  readonly #registry: Registry;
  readonly #listeners = new Set<() => void>();
  readonly #specs = new Map<string, DeviceSpec>();
  /** Devices that name a port, in the order in which they came. */
  readonly #claims = new Map<string, string[]>();
  #unsubscribe: (() => void) | undefined;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  start(): void {
    this.#unsubscribe = this.#registry.changes.subscribe((key) => this.#follow(key));
    for (const { key } of this.#registry.list()) this.#follow(key);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
  }

  ports(): readonly WantedPort[] {
    return [...this.#claims].flatMap(([port, [device]]) => (device === undefined ? [] : { port, device }));
  }

  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Key of the device that a port belongs to. */
  deviceOf(port: string): string | undefined {
    return this.#claims.get(port)?.[0];
  }

  #follow(key: string): void {
    const spec = this.#registry.get(key)?.spec;
    const before = this.#specs.get(key);
    if (spec === before) return;
    if (spec) this.#specs.set(key, spec);
    else this.#specs.delete(key);
    const [now, then] = [portsOf(spec), portsOf(before)];
    if (now.join("\n") === then.join("\n")) return;
    for (const port of then.filter((old) => !now.includes(old))) this.#release(port, key);
    for (const port of now.filter((fresh) => !then.includes(fresh)))
      this.#claims.set(port, [...(this.#claims.get(port) ?? []), key]);
    for (const listener of this.#listeners) listener();
  }

  #release(port: string, key: string): void {
    const left = (this.#claims.get(port) ?? []).filter((other) => other !== key);
    if (left.length > 0) this.#claims.set(port, left);
    else this.#claims.delete(port);
  }
}

function portsOf(spec: DeviceSpec | undefined): string[] {
  return (spec?.links ?? []).flatMap((link) => (link.carrier === "serial" ? link.port : []));
}
