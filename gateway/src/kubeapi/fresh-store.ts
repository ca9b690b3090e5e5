import type { ObjectStore } from "./informer.ts";

/**
 * An informer's store that knows our own last writes: until the watch brings news of an object, what the API server
 * answered to our write is read instead. Saves a write from the state before, which would only meet a conflict.
 */
export class FreshStore<T> {
  readonly #store: ObjectStore<T>;
  readonly #written = new Map<string, T>();

  constructor(store: ObjectStore<T>) {
    this.#store = store;
    store.changes.subscribe((key) => this.#written.delete(key));
  }

  get(key: string): T | undefined {
    return this.#written.get(key) ?? this.#store.get(key);
  }

  /** Keeps the answer to a create or replace. Bounded by the objects that the informer will report in turn. */
  wrote(key: string, object: T): T {
    this.#written.set(key, object);
    return object;
  }

  /** A write was refused: what is kept is no longer true. */
  forget(key: string): void {
    this.#written.delete(key);
  }
}
