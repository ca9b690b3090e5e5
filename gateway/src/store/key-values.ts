import type { Database } from "./database.ts";

/**
 * Small records by key, as JSON: the durable part of a session, the hardware that is pinned to a port. Reads return
 * committed data; writes are durable when their promise resolves.
 */
export class KeyValues {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns undefined if there is none; the caller checks the shape of the record */
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
