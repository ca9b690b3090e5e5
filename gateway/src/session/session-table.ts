import type { Metrics } from "../foundation/metrics.ts";
import type { Session } from "./session.ts";

/** The sessions of all devices by the registry's key, at most `maxSessions`. */
export class SessionTable {
  readonly #sessions = new Map<string, Session>();
  readonly #maxSessions: number;
  readonly #refused;

  constructor(options: { maxSessions: number; metrics: Metrics }) {
    this.#maxSessions = options.maxSessions;
    this.#refused = options.metrics.counter(
      "motelet_sessions_refused_total",
      "Devices that had to wait because the session table was full.",
    );
    const gauge = options.metrics.gauge("motelet_sessions", "Devices with an open session.");
    const streams = options.metrics.gauge("motelet_streams", "Open streams of all devices.");
    const collect = () => {
      const sessions = [...this.#sessions.values()];
      gauge.set(sessions.filter((session) => session.hello !== undefined).length);
      streams.set(sessions.reduce((sum, session) => sum + session.openStreams, 0));
    };
    // prom-client calls it when the gauge is read, so that nothing has to be counted on the way.
    Object.assign(gauge, { collect });
  }

  get(key: string): Session | undefined {
    return this.#sessions.get(key);
  }

  all(): readonly Session[] {
    return [...this.#sessions.values()];
  }

  /** @returns undefined if the table is full */
  open(key: string, build: () => Session): Session | undefined {
    const known = this.#sessions.get(key);
    if (known) return known;
    if (this.#sessions.size >= this.#maxSessions) {
      this.#refused.inc();
      return undefined;
    }
    const session = build();
    this.#sessions.set(key, session);
    return session;
  }

  /** Disposes of a device's session. */
  close(key: string): void {
    this.#sessions.get(key)?.[Symbol.dispose]();
    this.#sessions.delete(key);
  }
}
