import type { Clock } from "../../foundation/clock.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import type { MqttLimits } from "./mqtt-limits.ts";

/**
 * Limits how often connections of one wire id end each other [MQTT-3.1.4-2]: two boards with one identity would do it
 * as fast as they can. A connection that has been silent for a while can always be taken over, so that a board whose
 * connection broke unnoticed reconnects soon. Holds a bucket for each wire id that was taken over and is still
 * connected.
 */
export class TakeOvers {
  readonly #limits: Pick<MqttLimits, "takeOverBurst" | "takeOverRefillMs" | "takeOverSilentMs">;
  readonly #clock: Clock;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(
    limits: Pick<MqttLimits, "takeOverBurst" | "takeOverRefillMs" | "takeOverSilentMs">,
    clock: Clock,
  ) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * Counts a take-over, if it is allowed.
   * @param heardMs when the existing connection last sent something, monotonic
   */
  allow(wireId: string, heardMs: number): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { takeOverBurst: burst, takeOverRefillMs: refillMs, takeOverSilentMs } = this.#limits;
    const bucket = this.#buckets.get(wireId) ?? new TokenBucket({ burst, refillMs }, nowMs);
    this.#buckets.set(wireId, bucket);
    return bucket.take(nowMs) === 0 || nowMs - heardMs >= takeOverSilentMs;
  }

  /** The wire id is no longer connected. */
  forget(wireId: string): void {
    this.#buckets.delete(wireId);
  }
}
