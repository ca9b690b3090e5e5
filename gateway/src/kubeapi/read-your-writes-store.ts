import type { Clock } from "../foundation/clock.ts";
import type { ObjectStore } from "./informer.ts";

/**
 * The news of a write usually arrives within milliseconds. If a watch is broken for longer, a conflict shows that the
 * copy is old.
 */
export const maxWrittenAgeMs = 10_000;

/**
 * An informer's store that contains the gateway's own last writes. Until the watch reports an object, reads return the
 * API server's answer to the write. This avoids a write based on the state before, which would only cause a conflict.
 * Answers expire: if the news of a deletion overtakes the answer to a write, the object would otherwise stay here, and
 * nothing would remove it.
 */
export class ReadYourWritesStore<T> {
  readonly #store: ObjectStore<T>;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #written = new Map<string, { readonly object: T; readonly atMs: number }>();

  constructor(store: ObjectStore<T>, clock: Pick<Clock, "monotonicMs">) {
    this.#store = store;
    this.#clock = clock;
    store.changes.subscribe((key) => this.#written.delete(key));
  }

  get(key: string): T | undefined {
    const written = this.#written.get(key);
    if (written && this.#clock.monotonicMs() - written.atMs < maxWrittenAgeMs) return written.object;
    if (written) this.#written.delete(key);
    return this.#store.get(key);
  }

  /** Keeps the answer to a create or replace. Bounded by the objects that the informer will report later. */
  wrote(key: string, object: T): T {
    this.#written.set(key, { object, atMs: this.#clock.monotonicMs() });
    return object;
  }

  /** Forgets the answer after a refused write: it is out of date. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
