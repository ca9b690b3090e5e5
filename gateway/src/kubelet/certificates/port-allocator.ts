/** A range of ports to assign. */
export interface PortRange {
  readonly firstPort: number;
  readonly count: number;
}

/**
 * Assigns the ports of a range to Nodes. A Node that returns gets its earlier port again, unless another Node needed it
 * meanwhile; ports of removed Nodes are reused last.
 */
export class PortAllocator {
  readonly #range: PortRange;
  /** Port by Node, including removed Nodes, the earliest removed first. */
  readonly #known = new Map<string, number>();
  readonly #held = new Set<string>();
  readonly #blocked = new Set<number>();

  /** @param stored the result of `toJSON` in an earlier process; ports that are no longer in the range are ignored */
  constructor(range: PortRange, stored: unknown) {
    this.#range = range;
    if (typeof stored !== "object" || stored === null) return;
    const seen = new Set<unknown>();
    for (const [nodeName, port] of Object.entries(stored)) {
      if (!this.#isInRange(port) || seen.has(port)) continue;
      seen.add(port);
      this.#known.set(nodeName, port);
    }
  }

  /** @returns undefined if all ports are in use */
  take(nodeName: string): number | undefined {
    const port = this.#known.get(nodeName) ?? this.#free() ?? this.#inherit();
    if (port === undefined) return undefined;
    this.#known.set(nodeName, port);
    this.#held.add(nodeName);
    return port;
  }

  /** The Node was removed: its port is reserved for it while others are free. */
  release(nodeName: string): void {
    this.#held.delete(nodeName);
    const port = this.#known.get(nodeName);
    if (port === undefined) return;
    this.#known.delete(nodeName);
    if (!this.#blocked.has(port)) this.#known.set(nodeName, port);
  }

  /** Another process listens there: the port is not assigned as long as this process runs. Call `release` afterwards. */
  block(port: number): void {
    this.#blocked.add(port);
  }

  toJSON(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#known);
  }

  #free(): number | undefined {
    const used = new Set([...this.#known.values(), ...this.#blocked]);
    for (let port = this.#range.firstPort; port < this.#range.firstPort + this.#range.count; port++)
      if (!used.has(port)) return port;
    return undefined;
  }

  #inherit(): number | undefined {
    for (const [nodeName, port] of this.#known) {
      if (this.#held.has(nodeName)) continue;
      this.#known.delete(nodeName);
      return port;
    }
    return undefined;
  }

  #isInRange(port: unknown): port is number {
    const { firstPort, count } = this.#range;
    return (
      typeof port === "number" && Number.isInteger(port) && port >= firstPort && port < firstPort + count
    );
  }
}
