import { LRUCache } from "lru-cache";
import type { Clock } from "../../foundation/clock.ts";
import { UnavailableError } from "../../foundation/errors.ts";

export interface CacheLimits {
  /** Maximum number of entries; the oldest is dropped first. */
  readonly entries: number;
  /**
   * Maximum number of loads in flight. Further callers are refused, so that a flood here does not reach the API server.
   */
  readonly pending: number;
}

/** The source of an answer; each is reported to the meter. */
export type CacheAnswer = "remembered" | "shared" | "asked" | "failed" | "busy";

/** Receives the figures of a cache. */
export interface CacheMeter {
  answered(how: CacheAnswer): void;
  /** Number of entries now. */
  kept(entries: number): void;
}

/** A value and how long the cache may return it. */
export interface Lasting<V> {
  readonly value: V;
  readonly forMs: number;
}

/**
 * Caches answers of the API server for a time. Concurrent callers for the same key share one load; failed loads are not
 * cached.
 */
export class ExpiringCache<V> {
  readonly #clock: Clock;
  readonly #limits: CacheLimits;
  readonly #meter: CacheMeter | undefined;
  readonly #entries: LRUCache<string, { readonly value: V; readonly untilMs: number }>;
  readonly #pending = new Map<string, Promise<V>>();

  constructor(clock: Clock, limits: CacheLimits, meter?: CacheMeter) {
    this.#clock = clock;
    this.#limits = limits;
    this.#entries = new LRUCache({ max: limits.entries });
    this.#meter = meter;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @throws UnavailableError if too many loads are in flight; any error of `load` */
  async get(key: string, load: () => Promise<Lasting<V>>): Promise<V> {
    const known = this.#entries.peek(key);
    if (known && known.untilMs > this.#clock.monotonicMs()) {
      this.#meter?.answered("remembered");
      return known.value;
    }
    const pending = this.#pending.get(key);
    if (pending) {
      this.#meter?.answered("shared");
      return pending;
    }
    if (this.#pending.size >= this.#limits.pending) {
      this.#meter?.answered("busy");
      throw new UnavailableError("REVIEWS_BUSY", "too many reviews are in progress, try again");
    }
    const loading = this.#load(key, load);
    this.#pending.set(key, loading);
    return loading;
  }

  async #load(key: string, load: () => Promise<Lasting<V>>): Promise<V> {
    try {
      const { value, forMs } = await load();
      this.#entries.set(key, { value, untilMs: this.#clock.monotonicMs() + forMs });
      this.#meter?.answered("asked");
      this.#meter?.kept(this.#entries.size);
      return value;
    } catch (error) {
      this.#meter?.answered("failed");
      throw error;
    } finally {
      this.#pending.delete(key);
    }
  }
}
