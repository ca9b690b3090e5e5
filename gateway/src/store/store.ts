import { Database, type DatabaseOptions } from "./database.ts";
import { Journal } from "./journal.ts";
import { KeyValues } from "./key-values.ts";
import { type LogLimits, LogStore } from "./log-store.ts";

/** State that survives the gateway's process and is not in Kubernetes. Dispose flushes and closes it. */
export interface Store extends Disposable {
  readonly database: Database;
  readonly journal: Journal;
  readonly keyValues: KeyValues;
  readonly logs: LogStore;
  /** Deletes all data of a device; keys of its records are `<kind>/<device>…`. */
  forget(device: string): Promise<void>;
  /** Devices that have data in the store. */
  devices(): string[];
}

/**
 * Opens the embedded store.
 * @throws ConfigError STORE_LOCKED, STORE_UNREADABLE, STORE_TOO_NEW
 */
export function openStore(options: DatabaseOptions & { logLimits?: LogLimits }): Store {
  const database = new Database(options);
  const journal = new Journal(database);
  const keyValues = new KeyValues(database);
  const logs = new LogStore(database, options.metrics, options.logLimits);
  return {
    database,
    journal,
    keyValues,
    logs,
    forget: (device) =>
      database.write((transaction) => {
        logs.forget(transaction, device);
        journal.forget(transaction, device);
        for (const room of ["session", "pin"])
          transaction.run("DELETE FROM key_values WHERE key = ?", `${room}/${device}`);
      }),
    devices: () =>
      database
        .all(
          `SELECT device FROM boots UNION SELECT device FROM report_positions
           UNION SELECT substr(key, instr(key, '/') + 1) FROM key_values`,
        )
        .map((row) => String(row.device)),
    [Symbol.dispose]: () => database[Symbol.dispose](),
  };
}
