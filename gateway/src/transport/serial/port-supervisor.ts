import { type BackoffPolicy, backoffMs } from "../../foundation/backoff.ts";
import type { Clock } from "../../foundation/clock.ts";
import { delay } from "../../foundation/delay.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { ChannelAcceptor } from "../channel.ts";
import { openLine } from "./binding.ts";
import type { Line } from "./line.ts";
import type { PortSelector } from "./port-selector.ts";
import { SerialChannel } from "./serial-channel.ts";
import type { SerialMeters } from "./serial-meters.ts";

/** A killed board or gateway must be back within 3 s, so the waits stay well below. */
const backoff: BackoffPolicy = { baseMs: 50, factor: 2, maxMs: 1_000, jitter: 0.5 };

/** A line that was open for this time ends a row of failures, milliseconds; one that is closed at once does not. */
const stableMs = 1_000;

/** Time for a connection over TCP to come about, milliseconds; other lines answer at once. */
const openTimeoutMs = 5_000;

/**
 * Keeps one line open for as long as its port is wanted.
 *
 *   start ─▶ opening ──▶ open        stop: from anywhere, for good
 *             │   ▲        │
 *      failed │   │ waited │ lost
 *             ▼   │        ▼
 *             waiting ◀────┘
 */
export class PortSupervisor {
  readonly #selector: PortSelector;
  readonly #port: string;
  readonly #acceptor: ChannelAcceptor;
  readonly #log: Logger;
  readonly #meters: SerialMeters;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #rtoMs: number;
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;
  #channel: SerialChannel | undefined;
  /** What was logged last: each change is logged once, not each attempt. */
  #logged: "open" | "down" | undefined;

  constructor(options: {
    selector: PortSelector;
    /** Text of the selector: names the peer. */
    port: string;
    acceptor: ChannelAcceptor;
    /** Bound to the device and its port. */
    log: Logger;
    meters: SerialMeters;
    clock: Clock;
    random: () => number;
    rtoMs: number;
  }) {
    this.#selector = options.selector;
    this.#port = options.port;
    this.#acceptor = options.acceptor;
    this.#log = options.log;
    this.#meters = options.meters;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#rtoMs = options.rtoMs;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Closes the line permanently. Resolves when it is closed. */
  async stop(reason: string): Promise<void> {
    this.#stop.abort();
    this.#channel?.close(reason);
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    let failures = 0;
    while (!signal.aborted) {
      const line = await this.#open();
      if (line) {
        const openedAtMs = this.#clock.monotonicMs();
        await this.#serve(line);
        if (this.#clock.monotonicMs() - openedAtMs >= stableMs) failures = 0;
      }
      if (signal.aborted) return;
      const waitMs = backoffMs(backoff, failures++, this.#random());
      // Rejects only because of the signal, which the loop sees for itself.
      await delay(this.#clock, waitMs, signal).catch(() => undefined);
    }
  }

  async #open(): Promise<Line | undefined> {
    const tooLate = new AbortController();
    const timer = this.#clock.after(openTimeoutMs, () => tooLate.abort());
    try {
      const signal = AbortSignal.any([this.#stop.signal, tooLate.signal]);
      return await openLine(this.#selector, { clock: this.#clock, signal });
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failed("open", messageOf(error));
      return undefined;
    } finally {
      timer.cancel();
    }
  }

  /** Passes the line on and waits for its end. */
  async #serve(line: Line): Promise<void> {
    if (this.#stop.signal.aborted) {
      // It was opening when it was stopped; nobody has heard of it.
      await new Promise<void>((resolve) => {
        line.listen({ data: () => {}, closed: () => resolve() });
        line.close();
      });
      return;
    }
    const [clock, meters] = [this.#clock, this.#meters];
    const channel = new SerialChannel({ line, port: this.#port, rtoMs: this.#rtoMs, clock, meters });
    this.#channel = channel;
    this.#logged = "open";
    this.#log.info("serial port opened");
    meters.opened();
    const reason = await new Promise<string>((gone) => {
      channel.begin(this.#acceptor.opened(channel), gone);
    });
    meters.closed();
    this.#channel = undefined;
    if (this.#stop.signal.aborted) this.#log.info({ reason }, "serial port closed");
    else this.#failed("lost", reason);
  }

  #failed(reason: "open" | "lost", err: string): void {
    this.#meters.failed(reason);
    if (this.#logged === "down") return;
    this.#logged = "down";
    this.#log.warn({ err }, reason === "open" ? "serial port cannot be opened yet" : "serial port lost");
  }
}
