/**
 * Notifies listeners which keys changed. Level-based: a listener gets the key, reads the newest state itself, and may
 * miss states in between. Listeners run synchronously in the publisher and must not throw or block.
 */
export class ChangeFeed<K = string> {
  readonly #listeners = new Set<(key: K) => void>();

  /** @returns a function that ends the subscription */
  subscribe(listener: (key: K) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(key: K): void {
    for (const listener of this.#listeners) listener(key);
  }
}
