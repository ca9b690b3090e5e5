import type { Counter } from "prom-client";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import type { Authenticator } from "../directory.ts";
import { addressOf } from "./peer.ts";
import { type MqttRefusal, mqttRefusalTextOf } from "./refusal-texts.ts";

/** Log lines at once and one more each second, so that a hostile network cannot fill the disk. */
const logRate = { burst: 20, refillMs: 1_000 };

/** Longest text of a peer's making that goes into a log line. */
const maxFieldLength = 64;

/** A handshake cannot tell a pre-shared key that is wrong or unusable from one of another generation. */
const keyRefusals: readonly MqttRefusal[] = ["wrong-key", "unknown-psk-identity"];

/** The name that the refused peer claimed: may be wrong, is truncated. */
type RefusedFields = Readonly<Record<string, string | undefined>> & { readonly peer: string };

/**
 * Handles every refusal: counts it, logs it (a part of them if there are too many), and passes it on to find the device
 * that was named.
 */
export class Refusals {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #counter: Counter<"reason">;
  readonly #bucket: TokenBucket;
  readonly #authenticator: Pick<Authenticator, "refused">;
  #suppressed = 0;

  constructor(options: {
    log: Logger;
    metrics: Metrics;
    clock: Clock;
    authenticator: Pick<Authenticator, "refused">;
  }) {
    this.#authenticator = options.authenticator;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#counter = options.metrics.counter(
      "motelet_mqtt_refused_total",
      "Connections, publications and subscriptions that were refused",
      ["reason"],
    );
    this.#bucket = new TokenBucket(logRate, options.clock.monotonicMs());
  }

  /** @param names the identities or wire ids that were presented, in order of priority */
  add(reason: MqttRefusal, fields: RefusedFields, names: readonly (string | undefined)[] = []): void {
    this.#counter.inc({ reason });
    this.#write(reason, fields);
    const shown = names.filter((name) => name !== undefined && name !== "") as string[];
    if (shown.length === 0) return;
    const text = mqttRefusalTextOf(reason);
    this.#authenticator.refused({
      reason,
      ...(text ? { text } : {}),
      ...(keyRefusals.includes(reason) ? { lacksKey: true } : {}),
      peer: addressOf(fields.peer),
      names: shown,
      ...(reason === "client-certificate" && fields.err !== undefined ? { detail: fields.err } : {}),
    });
  }

  #write(reason: MqttRefusal, fields: RefusedFields): void {
    if (this.#bucket.take(this.#clock.monotonicMs()) > 0) {
      this.#suppressed++;
      return;
    }
    const cut = Object.entries(fields).map(([key, value]) => [key, value?.slice(0, maxFieldLength)]);
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#suppressed = 0;
    this.#log.warn({ ...Object.fromEntries(cut), ...suppressed, code: reason }, "mqtt peer refused");
  }
}
