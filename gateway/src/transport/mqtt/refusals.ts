import type { Counter } from "prom-client";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";

/** Log lines at once and one more each second, so that a hostile network cannot fill the disk. */
const logRate = { burst: 20, refillMs: 1_000 };

/** Longest text of a peer's making that goes into a log line. */
const maxFieldLength = 64;

/** Counts every refusal and writes a warning for it, or, where they come too fast, for some of them. */
export class Refusals {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #counter: Counter<"reason">;
  readonly #bucket: TokenBucket;
  #unlogged = 0;

  constructor(options: { log: Logger; metrics: Metrics; clock: Clock }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#counter = options.metrics.counter(
      "motelet_mqtt_refused_total",
      "Connections, publications and subscriptions that were refused",
      ["reason"],
    );
    this.#bucket = new TokenBucket(logRate, options.clock.monotonicMs());
  }

  /** @param fields who and what, as the peer said it: may be wrong, is cut to size */
  add(reason: string, fields: Readonly<Record<string, string | undefined>>): void {
    this.#counter.inc({ reason });
    if (this.#bucket.take(this.#clock.monotonicMs()) > 0) {
      this.#unlogged++;
      return;
    }
    const cut = Object.entries(fields).map(([key, value]) => [key, value?.slice(0, maxFieldLength)]);
    const unlogged = this.#unlogged > 0 ? { unlogged: this.#unlogged } : {};
    this.#unlogged = 0;
    this.#log.warn({ ...Object.fromEntries(cut), ...unlogged, code: reason }, "mqtt peer refused");
  }
}
