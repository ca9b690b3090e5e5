import type { Config } from "./config.ts";
import type { ReadinessCheck } from "./operations-server.ts";
import type { CarrierContext, Transport } from "./transport/carrier.ts";
import { carriers } from "./transport/carriers.ts";

/** The transports of the carriers that the configuration enables. */
export class Transports implements AsyncDisposable {
  readonly #transports: ReadonlyMap<string, Transport>;
  readonly #started = new Set<Transport>();
  readonly #parts = new AsyncDisposableStack();

  private constructor(transports: ReadonlyMap<string, Transport>) {
    this.#transports = transports;
  }

  /**
   * Builds the transports. None has started: no disposal is needed before `start`.
   * @throws ConfigError
   */
  static async open(config: Config, context: CarrierContext): Promise<Transports> {
    const transports = new Map<string, Transport>();
    for (const carrier of carriers) {
      const transport = await carrier.open(config, context);
      if (transport) transports.set(carrier.name, transport);
    }
    return new Transports(transports);
  }

  /** A check for each transport that can make the gateway unready, by the name of its carrier. */
  readiness(): Readonly<Record<string, ReadinessCheck>> {
    const checks: Record<string, ReadinessCheck> = {};
    for (const [name, transport] of this.#transports) {
      if (transport.unhealthyReason)
        checks[name] = () =>
          this.#started.has(transport) ? transport.unhealthyReason?.() : "not started yet";
    }
    return checks;
  }

  /**
   * Starts the transports in the order of `carriers`.
   * @returns the port of each that listens on one, by the name of its carrier
   * @throws ConfigError
   */
  async start(): Promise<Readonly<Record<string, number>>> {
    const ports: Record<string, number> = {};
    for (const [name, transport] of this.#transports) {
      this.#started.add(this.#parts.use(transport));
      const { port } = await transport.start();
      if (port !== undefined) ports[name] = port;
    }
    return ports;
  }

  /** Closes the transports, the last one first. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}
