import { defaults } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import { MoteletError, messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Transport, TransportContext } from "../carrier.ts";
import type { ChannelAcceptor } from "../channel.ts";
import type { WantedLinks, WantedPort } from "../directory.ts";
import { anyPort, expectAllowed } from "./allowed-ports.ts";
import { parsePort } from "./port-selector.ts";
import { PortSupervisor } from "./port-supervisor.ts";
import { SerialMeters } from "./serial-meters.ts";

export interface SerialTransportOptions extends Omit<TransportContext, "authenticator"> {
  /** Retransmission time-out of the channels, milliseconds. */
  readonly rtoMs?: number;
  /** Ports that Devices may name, or prefixes that end with `*`; absent: any. */
  readonly ports?: readonly string[];
  /** In [0, 1): spreads the attempts. */
  readonly random?: () => number;
}

/**
 * Devices on serial lines (SPEC §4, §10.2): one supervised line for each port that a Device names, opened and reopened
 * as long as it is named. The port is the identity of the board that answers on it.
 */
export class SerialTransport implements Transport {
  readonly #wantedLinks: WantedLinks;
  readonly #acceptor: ChannelAcceptor;
  readonly #log: Logger;
  readonly #meters: SerialMeters;
  readonly #clock: Clock;
  readonly #rtoMs: number;
  readonly #random: () => number;
  readonly #allowed: readonly string[];
  /** By text of the port; undefined if the text names no port that the gateway can open. */
  readonly #supervisors = new Map<string, PortSupervisor | undefined>();
  readonly #stopping = new Map<string, Promise<void>>();
  #endChanges: (() => void) | undefined;
  #disposed = false;

  constructor(options: SerialTransportOptions) {
    this.#wantedLinks = options.wantedLinks;
    this.#acceptor = options.acceptor;
    this.#log = options.log;
    this.#meters = new SerialMeters(options.metrics);
    this.#clock = options.clock;
    this.#rtoMs = options.rtoMs ?? defaults.serialRtoMs;
    this.#random = options.random ?? Math.random;
    this.#allowed = options.ports ?? anyPort;
  }

  /** Starts to open the named ports. A port that cannot be opened yet is no error: it is tried again. */
  async start(): Promise<Record<never, never>> {
    this.#endChanges = this.#wantedLinks.onChanged(() => this.#follow());
    this.#follow();
    return {};
  }

  /** Closes every line; resolves when all are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed = true;
    this.#endChanges?.();
    for (const port of [...this.#supervisors.keys()]) this.#leave(port, "gateway stops");
    await Promise.all(this.#stopping.values());
  }

  #follow(): void {
    if (this.#disposed) return;
    const wanted = new Map(this.#wantedLinks.ports("serial").map((port) => [port.port, port]));
    for (const port of [...this.#supervisors.keys()]) {
      if (!wanted.has(port)) this.#leave(port, "no longer wanted");
    }
    for (const port of wanted.values()) {
      // A line that is still closing is looked at again when it has closed.
      if (!this.#supervisors.has(port.port) && !this.#stopping.has(port.port)) this.#supervise(port);
    }
  }

  #supervise({ port, device }: WantedPort): void {
    const log = this.#log.child({ device, port });
    try {
      const selector = parsePort(port);
      expectAllowed(port, this.#allowed);
      const supervisor = new PortSupervisor({
        selector,
        port,
        acceptor: this.#acceptor,
        log,
        meters: this.#meters,
        clock: this.#clock,
        random: this.#random,
        rtoMs: this.#rtoMs,
      });
      this.#supervisors.set(port, supervisor);
      supervisor.start();
    } catch (error) {
      if (!(error instanceof MoteletError)) throw error;
      // Remembered, so that it is said once and not with every change of other links.
      this.#supervisors.set(port, undefined);
      this.#meters.failed("selector");
      log.warn({ code: error.code, err: messageOf(error) }, "serial port cannot be used");
    }
  }

  #leave(port: string, reason: string): void {
    const supervisor = this.#supervisors.get(port);
    this.#supervisors.delete(port);
    if (!supervisor) return;
    const stopped = supervisor.stop(reason).finally(() => {
      this.#stopping.delete(port);
      this.#meters.forget(port);
      this.#follow();
    });
    this.#stopping.set(port, stopped);
  }
}
