/** Ports that may be given away. */
export interface PortRange {
  readonly firstPort: number;
  readonly count: number;
}

/**
 * Which Node has which port of a range. A Node that comes back finds its port again, as long as nobody needed it
 * meanwhile; those that are gone give theirs away last.
 */
export class PortAllocator {
  readonly #range: PortRange;
  /** Port by Node, of those that are gone too; the one that went first is the first. */
  readonly #known = new Map<string, number>();
  readonly #held = new Set<string>();
  readonly #blocked = new Set<number>();

  /** @param stored what `toJSON` gave an earlier process; what is no longer of the range is left out */
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

  /** @returns undefined where all ports are held */
  take(nodeName: string): number | undefined {
    const port = this.#known.get(nodeName) ?? this.#free() ?? this.#inherit();
    if (port === undefined) return undefined;
    this.#known.set(nodeName, port);
    this.#held.add(nodeName);
    return port;
  }

  /** The Node is gone: its port is kept for it while there are others. */
  release(nodeName: string): void {
    this.#held.delete(nodeName);
    const port = this.#known.get(nodeName);
    if (port === undefined) return;
    this.#known.delete(nodeName);
    if (!this.#blocked.has(port)) this.#known.set(nodeName, port);
  }

  /** Somebody else listens there: not given away as long as this process runs. To be followed by `release`. */
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
