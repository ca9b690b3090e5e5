import type { Clock } from "../foundation/clock.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { DeviceRefusal } from "./device.ts";
import type { Registry } from "./registry.ts";

/** Each note costs an Event and may cost a status: for one device this many at once, then one a minute. */
const perDevice = { burst: 4, refillMs: 60_000 };
/** For all devices together: somebody who knows many wire ids must not keep the API server busy. */
const together = { burst: 100, refillMs: 100 };

/**
 * Adds refusals of clients that named a device to that device's facts, so that its owner sees them. Refusals above the
 * rate limit are only counted.
 */
export class RefusalNotes implements Disposable {
  readonly #registry: Registry;
  readonly #clock: Clock;
  readonly #together: TokenBucket;
  /** For devices that were named; a recreated Device begins with a full bucket. */
  readonly #buckets = new Map<string, { readonly uid: string; readonly bucket: TokenBucket }>();
  readonly #suppressed;
  readonly #unsubscribe: () => void;

  constructor(options: { registry: Registry; clock: Clock; metrics: Metrics }) {
    this.#registry = options.registry;
    this.#clock = options.clock;
    this.#together = new TokenBucket(together, options.clock.monotonicMs());
    this.#suppressed = options.metrics.counter(
      "motelet_refusals_suppressed_total",
      "Refusals that were not shown at the named Device because there were too many",
      ["limit"],
    );
    this.#unsubscribe = options.registry.changes.subscribe((key) => this.#forgetReplaced(key));
  }

  /** Does nothing if the device is paused or not served. */
  note(key: string, refusal: Omit<DeviceRefusal, "atMs">): void {
    const facts = this.#registry.get(key);
    if (!facts || facts.spec.paused) return;
    // Two boards that take turns: the device's condition names both already.
    if (facts.duplicate && refusal.code === "take-over-limit") return;
    if (!this.#isWithinLimits(this.#bucketOf(key, facts.spec.uid))) return;
    this.#registry.learn(key, { refusal: { ...refusal, atMs: this.#clock.wallMs() } });
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #isWithinLimits(bucket: TokenBucket): boolean {
    const nowMs = this.#clock.monotonicMs();
    if (bucket.take(nowMs) > 0) {
      this.#suppressed.inc({ limit: "device" });
      return false;
    }
    if (this.#together.take(nowMs) > 0) {
      bucket.giveBack();
      this.#suppressed.inc({ limit: "gateway" });
      return false;
    }
    return true;
  }

  #bucketOf(key: string, uid: string): TokenBucket {
    const known = this.#buckets.get(key);
    if (known) return known.bucket;
    const bucket = new TokenBucket(perDevice, this.#clock.monotonicMs());
    this.#buckets.set(key, { uid, bucket });
    return bucket;
  }

  #forgetReplaced(key: string): void {
    const known = this.#buckets.get(key);
    if (known && this.#registry.get(key)?.spec.uid !== known.uid) this.#buckets.delete(key);
  }
}
