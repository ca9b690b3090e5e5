import type { Database } from "./database.ts";

/**
 * Small records under a key, as JSON: what a session must not forget, which hardware is pinned to a port.
 * Reads give what is committed; writes are done when their promise resolves.
 */
export class KeyValues {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns undefined if there is none; the caller checks the shape of what it stored */
  get(key: string): unknown {
    const row = this.#database.get("SELECT value FROM key_values WHERE key = ?", key);
    return row === undefined ? undefined : JSON.parse(String(row.value));
  }

  put(key: string, value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    return this.#database.write((transaction) => {
      transaction.run("INSERT OR REPLACE INTO key_values (key, value) VALUES (?, ?)", key, text);
    });
  }

  delete(key: string): Promise<void> {
    return this.#database.write((transaction) => {
      transaction.run("DELETE FROM key_values WHERE key = ?", key);
    });
  }
}
