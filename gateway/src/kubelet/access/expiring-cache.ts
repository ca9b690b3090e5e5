import { LRUCache } from "lru-cache";
import type { Clock } from "../../foundation/clock.ts";
import { UnavailableError } from "../../foundation/errors.ts";

export interface CacheLimits {
  /** Entries kept; the oldest goes first. */
  readonly entries: number;
  /** Loads under way; beyond that a caller is turned away, so that a flood here is none on the API server. */
  readonly pending: number;
}

/** How a caller got its answer; told of each. */
export type CacheAnswer = "remembered" | "shared" | "asked" | "failed" | "busy";

/** What a cache tells of itself. */
export interface CacheMeter {
  answered(how: CacheAnswer): void;
  /** Entries that are kept now. */
  kept(entries: number): void;
}

/** A value and how long it may be answered from memory. */
export interface Lasting<V> {
  readonly value: V;
  readonly forMs: number;
}

/** Remembers answers of the API server for a time. Callers that ask for the same at once share one load; failed loads are not kept. */
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

  /** @throws UnavailableError where too many loads are under way; whatever `load` throws */
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
      throw new UnavailableError("REVIEWS_BUSY", "too many reviews are under way, try again");
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
