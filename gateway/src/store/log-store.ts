import { ChangeFeed } from "../foundation/change-feed.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { cutText } from "./cut-text.ts";
import type { Database, Row, Transaction } from "./database.ts";
import { type LogSize, LogSizes } from "./log-sizes.ts";

/** A line, or a part of one, in the order of its arrival. */
export interface StoredLine {
  readonly id: number;
  readonly stampMs: number;
  readonly text: string;
}

export type NewLine = Omit<StoredLine, "id">;

export interface LogLimits {
  /** Limit of one boot; a device keeps two. */
  readonly bootBytes: number;
  /** Limit of all devices together. */
  readonly totalBytes: number;
}

export const defaultLogLimits: LogLimits = { bootBytes: 1_048_576, totalBytes: 268_435_456 };

/** Size of a line in the file in addition to its text: its row, its entry in the index, and pages that are not full. */
export const lineOverheadBytes = 128;

/** The boot of a device to which lines belong: a ring that survives a reset contains reports of the previous boot. */
export type BootChoice = "this" | "previous";

/**
 * The logs of all devices: the current boot and the previous one, each limited in size, and all of them together. If a
 * boot is full, its oldest lines are dropped. If the total is too large, lines of the device with the largest log are
 * dropped. `changes` publishes the devices whose log has grown, once the lines are durable.
 */
export class LogStore {
  readonly changes = new ChangeFeed<string>();
  readonly #database: Database;
  readonly #limits: LogLimits;
  readonly #dropped;
  readonly #bytes;
  readonly #sizes = new LogSizes();
  /** The transaction that will show the sizes when it is committed; many writes share one. */
  #told: Transaction | undefined;

  constructor(database: Database, metrics: Metrics, limits: LogLimits = defaultLogLimits) {
    this.#database = database;
    this.#limits = limits;
    this.#dropped = metrics.counter(
      "motelet_log_lines_dropped_total",
      "Lines that were dropped to make space for newer ones.",
      ["reason"],
    );
    this.#bytes = metrics.gauge("motelet_log_bytes", "Size of the stored logs of all devices.");
    for (const row of database.all(`${countLines} GROUP BY device, ordinal`))
      this.#sizes.set(String(row.device), Number(row.ordinal), sizeOf(row));
    this.#bytes.set(this.#sizes.total);
  }

  /** Appends lines; durable with the transaction. */
  append(transaction: Transaction, device: string, choice: BootChoice, lines: readonly NewLine[]): void {
    if (lines.length === 0) return;
    const ordinal = this.#chosenOrdinal(transaction, device, choice);
    this.#keepInStep(transaction, device);
    let { lines: count, bytes } = this.#sizes.of(device, ordinal);
    for (const line of lines) {
      const text = cutText(line.text, this.#limits.bootBytes - lineOverheadBytes);
      const textBytes = Buffer.byteLength(text);
      transaction.run(
        "INSERT INTO log_lines (device, ordinal, stamp_ms, bytes, text) VALUES (?, ?, ?, ?, ?)",
        device,
        ordinal,
        Math.round(line.stampMs),
        textBytes,
        text,
      );
      count += 1;
      bytes += textBytes + lineOverheadBytes;
    }
    this.#sizes.set(device, ordinal, { lines: count, bytes });
    const { bootBytes } = this.#limits;
    // An eighth becomes free at once, so that a chatty device does not pay for it with each line.
    if (bytes > bootBytes)
      this.#trim(transaction, device, ordinal, bytes - Math.floor((bootBytes * 7) / 8), "boot-full");
    this.#trimTotal(transaction);
    transaction.afterCommit(() => this.changes.publish(device));
  }

  /** Ends an incomplete line (a prompt, for example), so that the next text begins a new line. */
  endLine(transaction: Transaction, device: string, choice: BootChoice, stampMs: number): void {
    const ordinal = this.#ordinal(device, choice);
    const last = transaction.get(
      "SELECT ordinal, text FROM log_lines WHERE device = ? ORDER BY id DESC LIMIT 1",
      device,
    );
    const open = last?.ordinal === ordinal && !String(last?.text).endsWith("\n");
    if (last && open) this.append(transaction, device, choice, [{ stampMs, text: "\n" }]);
  }

  /**
   * Sets a device's current boot. A new boot begins a new log, the last one becomes the previous, and older ones are
   * deleted. Lines stamped at or after `sinceMs` already belong to the new boot, because its text arrived before its
   * hello.
   */
  beginBoot(transaction: Transaction, device: string, boot: number, sinceMs: number): void {
    const newest = transaction.get(
      "SELECT ordinal, boot FROM boots WHERE device = ? ORDER BY ordinal DESC LIMIT 1",
      device,
    );
    if (newest?.boot === boot) return;
    if (newest && newest.boot === null) {
      transaction.run(
        "UPDATE boots SET boot = ? WHERE device = ? AND ordinal = ?",
        boot,
        device,
        newest.ordinal ?? 0,
      );
      return;
    }
    const ordinal = Number(newest?.ordinal ?? 0) + 1;
    transaction.run("INSERT INTO boots (device, ordinal, boot) VALUES (?, ?, ?)", device, ordinal, boot);
    transaction.run(
      "UPDATE log_lines SET ordinal = ? WHERE device = ? AND ordinal = ? AND stamp_ms >= ?",
      ordinal,
      device,
      ordinal - 1,
      Math.round(sinceMs),
    );
    transaction.run("DELETE FROM log_lines WHERE device = ? AND ordinal < ?", device, ordinal - 1);
    transaction.run("DELETE FROM boots WHERE device = ? AND ordinal < ?", device, ordinal - 1);
    this.#keepInStep(transaction, device);
    this.#count(transaction, device);
  }

  /** Lines after `afterId`, oldest first, of both boots: for followers. */
  after(device: string, afterId: number, limit: number): StoredLine[] {
    return this.#database
      .all(
        "SELECT id, stamp_ms, text FROM log_lines WHERE device = ? AND id > ? ORDER BY id LIMIT ?",
        device,
        afterId,
        limit,
      )
      .map(storedLine);
  }

  /** Lines of one boot in `afterId` < id ≤ `throughId`, oldest first. */
  page(
    device: string,
    choice: BootChoice,
    range: { afterId: number; throughId: number },
    limit: number,
  ): StoredLine[] {
    const ordinal = this.#ordinal(device, choice);
    if (ordinal === undefined) return [];
    return this.#database
      .all(
        `SELECT id, stamp_ms, text FROM log_lines
         WHERE device = ? AND id > ? AND id <= ? AND ordinal = ? ORDER BY id LIMIT ?`,
        device,
        range.afterId,
        range.throughId,
        ordinal,
        limit,
      )
      .map(storedLine);
  }

  /** @returns false if the device never had that boot */
  has(device: string, choice: BootChoice): boolean {
    return this.#ordinal(device, choice) !== undefined;
  }

  lastId(device: string): number {
    return Number(
      this.#database.get("SELECT max(id) AS id FROM log_lines WHERE device = ?", device)?.id ?? 0,
    );
  }

  /** The id after which the last `lines` lines of a boot begin; the parts of a line count as one. */
  tailStart(device: string, choice: BootChoice, throughId: number, lines: number): number {
    const ordinal = this.#ordinal(device, choice);
    if (ordinal === undefined || lines === 0) return throughId;
    const row = this.#database.get(
      `SELECT id FROM log_lines
       WHERE device = ? AND id < (SELECT max(id) FROM log_lines WHERE device = ? AND id <= ? AND ordinal = ?)
         AND ordinal = ? AND text LIKE '%' || char(10)
       ORDER BY id DESC LIMIT 1 OFFSET ?`,
      device,
      device,
      throughId,
      ordinal,
      ordinal,
      lines - 1,
    );
    return Number(row?.id ?? 0);
  }

  forget(transaction: Transaction, device: string): void {
    transaction.run("DELETE FROM log_lines WHERE device = ?", device);
    transaction.run("DELETE FROM boots WHERE device = ?", device);
    this.#keepInStep(transaction, device);
    this.#sizes.clear(device);
  }

  /** Resolves when all writes that wait at this moment are on the disk, or have failed. */
  async settled(): Promise<void> {
    await this.#database.write(() => undefined).catch(() => undefined);
  }

  #ordinal(device: string, choice: BootChoice): number | undefined {
    const row = this.#database.get(
      "SELECT ordinal FROM boots WHERE device = ? ORDER BY ordinal DESC LIMIT 1 OFFSET ?",
      device,
      choice === "this" ? 0 : 1,
    );
    return row && Number(row.ordinal);
  }

  /** Text may come before the first hello: then its boot is still unknown. */
  #chosenOrdinal(transaction: Transaction, device: string, choice: BootChoice): number {
    const found =
      (choice === "previous" ? this.#ordinal(device, "previous") : undefined) ??
      this.#ordinal(device, "this");
    if (found !== undefined) return found;
    transaction.run("INSERT INTO boots (device, ordinal, boot) VALUES (?, 1, NULL)", device);
    return 1;
  }

  /** The sizes of a device follow the tables, also where the transaction is not kept. */
  #keepInStep(transaction: Transaction, device: string): void {
    transaction.afterRollback(() => this.#count(this.#database, device));
    if (this.#told === transaction) return;
    this.#told = transaction;
    transaction.afterCommit(() => this.#bytes.set(this.#sizes.total));
  }

  #count(tables: Pick<Transaction, "all">, device: string): void {
    this.#sizes.clear(device);
    for (const row of tables.all(`${countLines} WHERE device = ? GROUP BY device, ordinal`, device))
      this.#sizes.set(device, Number(row.ordinal), sizeOf(row));
  }

  /** Half of the longest log goes at a time; the newest line of all stays. */
  #trimTotal(transaction: Transaction): void {
    while (this.#sizes.total > this.#limits.totalBytes) {
      const largest = this.#sizes.largest();
      if (!largest) return;
      const { device, ordinal, deviceBytes } = largest;
      this.#keepInStep(transaction, device);
      if (!this.#trim(transaction, device, ordinal, deviceBytes / 2, "store-full")) return;
    }
  }

  /** Drops oldest lines of a boot until this many bytes are free. @returns false where only its newest line is left */
  #trim(
    transaction: Transaction,
    device: string,
    ordinal: number,
    freeBytes: number,
    reason: "boot-full" | "store-full",
  ): boolean {
    const size = this.#sizes.of(device, ordinal);
    const rows = transaction.all(
      "SELECT id, bytes FROM log_lines WHERE device = ? AND ordinal = ? ORDER BY id",
      device,
      ordinal,
    );
    let cutId = 0;
    let dropped = 0;
    let freed = 0;
    for (const row of rows.slice(0, -1)) {
      if (freed >= freeBytes) break;
      cutId = Number(row.id);
      freed += Number(row.bytes) + lineOverheadBytes;
      dropped += 1;
    }
    if (dropped === 0) return false;
    transaction.run(
      "DELETE FROM log_lines WHERE device = ? AND ordinal = ? AND id <= ?",
      device,
      ordinal,
      cutId,
    );
    this.#sizes.set(device, ordinal, { lines: size.lines - dropped, bytes: size.bytes - freed });
    transaction.afterCommit(() => this.#dropped.inc({ reason }, dropped));
    return true;
  }
}

const countLines =
  "SELECT device, ordinal, count(*) AS lines, coalesce(sum(bytes), 0) AS bytes FROM log_lines";

function sizeOf(row: Row): LogSize {
  const lines = Number(row.lines);
  return { lines, bytes: Number(row.bytes) + lines * lineOverheadBytes };
}

function storedLine(row: Row): StoredLine {
  return { id: Number(row.id), stampMs: Number(row.stamp_ms), text: String(row.text) };
}
