import type { DeviceFacts } from "../devices/device.ts";
import type { Registry } from "../devices/registry.ts";
import { RequestError } from "../foundation/errors.ts";

/**
 * Finds the device of a Node by the Node's name. metrics-server asks for each of thousands of Nodes every 15 s, so
 * names are cached. A cached name is checked, and the names are read again if one is unknown.
 */
export class NodeDirectory {
  readonly #registry: Registry;
  #keys = new Map<string, string>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** @throws RequestError if no device has a Node of that name */
  expect(nodeName: string): DeviceFacts {
    const known = this.#look(nodeName);
    if (known) return known;
    const devices = this.#registry.list().filter(({ phase }) => phase !== "Pending");
    this.#keys = new Map(devices.map(({ key, spec }) => [spec.nodeName, key]));
    const facts = this.#look(nodeName);
    if (facts) return facts;
    throw new RequestError("NODE_NOT_FOUND", `node ${JSON.stringify(nodeName)} does not exist`);
  }

  #look(nodeName: string): DeviceFacts | undefined {
    const key = this.#keys.get(nodeName);
    const facts = key === undefined ? undefined : this.#registry.get(key);
    return facts?.spec.nodeName === nodeName && facts.phase !== "Pending" ? facts : undefined;
  }
}
