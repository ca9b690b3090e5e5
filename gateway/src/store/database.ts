import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { type Clock, systemClock, type Timer } from "../foundation/clock.ts";
import { ConfigError, InternalError, messageOf, UnavailableError } from "../foundation/errors.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { migrations } from "./migrations.ts";

export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The operations of a write. Valid only during the call that receives it. */
export interface Transaction {
  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastId: number };
  get(sql: string, ...values: SQLInputValue[]): Row | undefined;
  all(sql: string, ...values: SQLInputValue[]): Row[];
  /** Runs when the whole transaction is on the disk; must not throw. */
  afterCommit(callback: () => void): void;
  /** Runs when the transaction was rolled back; must not throw. */
  afterRollback(callback: () => void): void;
}

export interface DatabaseOptions {
  /** A file, created with its folder if it is missing, or ":memory:". */
  readonly path: string;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  /** Pause between two commits, so that a slow disk does not use all the time of the process. */
  readonly commitSpacingMs?: number;
  /** Writes that may wait for one commit. */
  readonly maxQueuedWrites?: number;
}

interface QueuedWrite {
  readonly task: (transaction: Transaction) => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

const sqliteCodes = {
  busy: 5,
  readOnly: 8,
  inputOutput: 10,
  corrupt: 11,
  full: 13,
  cantOpen: 14,
  notADatabase: 26,
} as const;

/** What is the disk's or the file's fault, and will hit the next write as well. */
const mediumFaults: readonly number[] = [
  sqliteCodes.readOnly,
  sqliteCodes.inputOutput,
  sqliteCodes.corrupt,
  sqliteCodes.full,
  sqliteCodes.cantOpen,
  sqliteCodes.notADatabase,
];

/**
 * The embedded store: node:sqlite in WAL mode, owned by one process. Writes are committed in groups, each group with
 * one fsync (`synchronous=FULL`), so that a write whose promise has resolved survives a loss of power.
 */
export class Database implements Disposable {
  readonly #sql: DatabaseSync;
  readonly #clock: Clock;
  readonly #statements = new Map<string, StatementSync>();
  readonly #spacingMs: number;
  readonly #maxQueued: number;
  readonly #commits;
  readonly #failures;
  readonly #commitSeconds;
  #queue: QueuedWrite[] = [];
  #timer: Timer | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #committedAtMs = Number.NEGATIVE_INFINITY;
  #closed = false;
  /** Why the last write was not kept, where the next one will hardly be. */
  #fault: string | undefined;

  /** @throws ConfigError STORE_LOCKED, STORE_UNREADABLE, STORE_TOO_NEW */
  constructor(options: DatabaseOptions) {
    const { path, metrics } = options;
    this.#clock = options.clock ?? systemClock;
    this.#spacingMs = options.commitSpacingMs ?? 10;
    this.#maxQueued = options.maxQueuedWrites ?? 20_000;
    this.#commits = metrics.counter("motelet_store_commits_total", "Groups of writes that were committed.");
    this.#failures = metrics.counter("motelet_store_failures_total", "Writes that failed.", ["code"]);
    this.#commitSeconds = metrics.histogram("motelet_store_commit_seconds", "Duration of one commit.");
    this.#sql = openFile(path);
    try {
      migrate(this.#sql, path);
    } catch (error) {
      this.#sql.close();
      throw error;
    }
  }

  /**
   * Queues a write for the next commit.
   * @returns the task's result, once the write is durable
   * @throws InternalError STORE_FULL (the disk is full), STORE_WRITE; UnavailableError STORE_OVERLOADED, STORE_CLOSED
   */
  write<T>(task: (transaction: Transaction) => T): Promise<T> {
    if (this.#closed) return Promise.reject(new UnavailableError("STORE_CLOSED", "the store is closed"));
    if (this.#queue.length >= this.#maxQueued) {
      this.#failures.inc({ code: "STORE_OVERLOADED" });
      const message = `the store has ${this.#queue.length} writes waiting: limit ${this.#maxQueued}`;
      return Promise.reject(new UnavailableError("STORE_OVERLOADED", message));
    }
    const written = new Promise<T>((resolve, reject) => {
      this.#queue.push({ task, resolve: resolve as (value: unknown) => void, reject });
    });
    this.#schedule();
    return written;
  }

  /** Reads committed data. */
  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values) as Row[];
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values) as Row | undefined;
  }

  /**
   * For readiness: the reason if the last write failed. Then each call tries a write, so that free space on the disk is
   * noticed although nothing else writes.
   */
  unhealthyReason(): string | undefined {
    if (this.#closed) return "the store is closed";
    if (this.#fault === undefined) return undefined;
    if (this.#queue.length === 0) this.write(tryOut).catch(() => undefined);
    return this.#fault;
  }

  /** Commits the queued writes now instead of later. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    clearImmediate(this.#immediate);
    this.#immediate = undefined;
    const group = this.#queue;
    if (group.length === 0) return;
    this.#queue = [];
    const startedMs = performance.now();
    if (!this.#commit(group)) {
      // One bad write must not take the others with it.
      for (const write of group) this.#commit([write], true);
    }
    this.#commitSeconds.observe((performance.now() - startedMs) / 1000);
    this.#committedAtMs = this.#clock.monotonicMs();
  }

  [Symbol.dispose](): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#sql.close();
  }

  #schedule(): void {
    if (this.#timer || this.#immediate) return;
    const waitMs = this.#committedAtMs + this.#spacingMs - this.#clock.monotonicMs();
    if (waitMs > 0) this.#timer = this.#clock.after(waitMs, () => this.flush());
    else this.#immediate = setImmediate(() => this.flush());
  }

  /** @returns false if nothing was kept; `last` says that there will be no other try */
  #commit(group: readonly QueuedWrite[], last = group.length === 1): boolean {
    const committed: (() => void)[] = [];
    const rolledBack: (() => void)[] = [];
    const transaction: Transaction = {
      run: (sql, ...values) => {
        const result = this.#prepare(sql).run(...values);
        return { changes: Number(result.changes), lastId: Number(result.lastInsertRowid) };
      },
      get: (sql, ...values) => this.get(sql, ...values),
      all: (sql, ...values) => this.all(sql, ...values),
      afterCommit: (callback) => void committed.push(callback),
      afterRollback: (callback) => void rolledBack.push(callback),
    };
    const results: unknown[] = [];
    try {
      this.#sql.exec("BEGIN IMMEDIATE");
      for (const write of group) results.push(write.task(transaction));
      this.#sql.exec("COMMIT");
    } catch (error) {
      if (this.#sql.isTransaction) this.#sql.exec("ROLLBACK");
      for (const callback of rolledBack) callback();
      if (last) for (const write of group) write.reject(this.#failed(error));
      return last;
    }
    this.#commits.inc();
    this.#fault = undefined;
    for (const callback of committed) callback();
    group.forEach((write, index) => {
      write.resolve(results[index]);
    });
    return true;
  }

  #failed(error: unknown): unknown {
    const code = sqliteCode(error);
    if (code === undefined) return error;
    const name = code === sqliteCodes.full ? "STORE_FULL" : "STORE_WRITE";
    this.#failures.inc({ code: name });
    const what = name === "STORE_FULL" ? "the disk is full" : messageOf(error);
    const message = `the store did not keep a write: ${what}`;
    if (mediumFaults.includes(code)) this.#fault = message;
    return new InternalError(name, message, { cause: error });
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#sql.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** Takes room on the disk as real writes do, and leaves nothing. */
function tryOut(transaction: Transaction): void {
  transaction.run("CREATE TABLE tried_out AS SELECT zeroblob(65536)");
  transaction.run("DROP TABLE tried_out");
}

/** SQLite's primary result code, where the error is SQLite's. */
function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

function openFile(path: string): DatabaseSync {
  try {
    if (path !== ":memory:") mkdirSync(dirname(path), { recursive: true });
    const sql = new DatabaseSync(path);
    // Keys are in it; SQLite gives its other files the same mode.
    if (path !== ":memory:") chmodSync(path, 0o600);
    // EXCLUSIVE: a second gateway on the same file fails at once; the system frees the lock when a process dies.
    sql.exec("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
    sql.exec("BEGIN EXCLUSIVE; COMMIT;");
    return sql;
  } catch (error) {
    if (sqliteCode(error) === sqliteCodes.busy)
      throw new ConfigError("STORE_LOCKED", `store ${path} is in use by another process`, { cause: error });
    throw new ConfigError("STORE_UNREADABLE", `cannot open store ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function migrate(sql: DatabaseSync, path: string): void {
  const done = Number(sql.prepare("PRAGMA user_version").get()?.user_version ?? 0);
  if (done > migrations.length)
    throw new ConfigError(
      "STORE_TOO_NEW",
      `store ${path} has layout ${done}: this gateway supports at most ${migrations.length}`,
    );
  for (const [index, step] of migrations.entries()) {
    if (index < done) continue;
    sql.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version=${index + 1}; COMMIT;`);
  }
}
