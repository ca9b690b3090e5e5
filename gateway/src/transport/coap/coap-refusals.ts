import type { Counter } from "prom-client";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import type { Authenticator } from "../directory.ts";
import { type CoapRefusal, coapRefusalTextOf } from "./coap-refusal-texts.ts";
import { type PeerAddress, peerName } from "./message/peer.ts";

/** Log lines at once and one more each second, so that a hostile network cannot fill the disk. */
const logRate = { burst: 20, refillMs: 1_000 };

/** Longest text of a peer's making that goes into a log line. */
const maxFieldLength = 64;

/** A kid cannot tell an earlier generation, nor a failed decryption which of two has the wrong key. */
const keyRefusals: readonly CoapRefusal[] = ["wrong-key", "unknown-kid"];

/** Counts, logs and reports every refusal of this transport. */
export class CoapRefusals {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #authenticator: Pick<Authenticator, "refused">;
  readonly #counter: Counter<"reason">;
  readonly #bucket: TokenBucket;
  #suppressed = 0;

  constructor(options: {
    log: Logger;
    metrics: Metrics;
    clock: Clock;
    authenticator: Pick<Authenticator, "refused">;
  }) {
    this.#log = options.log;
    this.#clock = options.clock;
    this.#authenticator = options.authenticator;
    this.#counter = options.metrics.counter("motelet_coap_refused_total", "Requests that were refused", [
      "reason",
    ]);
    this.#bucket = new TokenBucket(logRate, options.clock.monotonicMs());
  }

  /** @param names what was shown as an identity or a wire id; each of several is reported, if nobody knows which one it is */
  add(reason: CoapRefusal, peer: PeerAddress, names: readonly string[] = []): void {
    this.#counter.inc({ reason });
    this.#write(reason, peer, names);
    const text = coapRefusalTextOf(reason);
    for (const name of names)
      this.#authenticator.refused({
        reason,
        ...(text ? { text } : {}),
        ...(keyRefusals.includes(reason) ? { lacksKey: true } : {}),
        peer: peer.address,
        names: [name],
      });
  }

  #write(code: CoapRefusal, peer: PeerAddress, names: readonly string[]): void {
    if (this.#bucket.take(this.#clock.monotonicMs()) > 0) {
      this.#suppressed += 1;
      return;
    }
    const suppressed = this.#suppressed > 0 ? { suppressed: this.#suppressed } : {};
    this.#suppressed = 0;
    const userName = names[0]?.slice(0, maxFieldLength);
    this.#log.warn({ userName, peer: peerName(peer), ...suppressed, code }, "coap request refused");
  }
}
