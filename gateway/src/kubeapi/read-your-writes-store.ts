import type { Clock } from "../foundation/clock.ts";
import type { ObjectStore } from "./informer.ts";

/** News of a write comes within milliseconds; where a watch is broken for longer, a conflict says that what is read is old. */
export const maxWrittenAgeMs = 10_000;

/**
 * An informer's store that knows our own last writes: until the watch brings news of an object, what the API server
 * answered to our write is read instead. Saves a write from the state before, which would only meet a conflict.
 *
 * Not indefinitely: a deletion whose news overtook the answer to our write would leave the object here, and nothing
 * would remove it.
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

  /** Keeps the answer to a create or replace. Bounded by the objects that the informer will report in turn. */
  wrote(key: string, object: T): T {
    this.#written.set(key, { object, atMs: this.#clock.monotonicMs() });
    return object;
  }

  /** A write was refused: what is kept is no longer true. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
