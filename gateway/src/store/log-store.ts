import { ChangeFeed } from "../foundation/change-feed.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { Database, Row, Transaction } from "./database.ts";

/** A line, or a part of one, in the order of its arrival. */
export interface StoredLine {
  readonly id: number;
  readonly stampMs: number;
  readonly text: string;
}

export type NewLine = Omit<StoredLine, "id">;

/** Bounds of one boot's log; a device keeps two boots. */
export interface LogLimits {
  readonly bytes: number;
  readonly lines: number;
}

export const defaultLogLimits: LogLimits = { bytes: 1_048_576, lines: 10_000 };

/** Which boot of a device lines belong to: a ring that survives a reset brings reports of the one before. */
export type BootChoice = "this" | "previous";

/**
 * The logs of all devices: this boot and the previous one, each bounded; of a full one the oldest lines go.
 * `changes` tells which device's log has grown, once that is durable.
 */
export class LogStore {
  readonly changes = new ChangeFeed<string>();
  readonly #database: Database;
  readonly #limits: LogLimits;
  readonly #dropped;
  /** Size of each boot's log by `<device> <ordinal>`; absent: to be counted. */
  readonly #sizes = new Map<string, { bytes: number; lines: number }>();

  constructor(database: Database, metrics: Metrics, limits: LogLimits = defaultLogLimits) {
    this.#database = database;
    this.#limits = limits;
    this.#dropped = metrics.counter(
      "motelet_log_lines_dropped_total",
      "Lines that had to make room for newer ones.",
    );
  }

  /** Appends lines; durable with the transaction. */
  append(transaction: Transaction, device: string, choice: BootChoice, lines: readonly NewLine[]): void {
    if (lines.length === 0) return;
    const ordinal = this.#chosenOrdinal(transaction, device, choice);
    const size = this.#size(transaction, device, ordinal);
    for (const line of lines) {
      const text = line.text.length > this.#limits.bytes ? line.text.slice(0, this.#limits.bytes) : line.text;
      const bytes = Buffer.byteLength(text);
      transaction.run(
        "INSERT INTO log_lines (device, ordinal, stamp_ms, bytes, text) VALUES (?, ?, ?, ?, ?)",
        device,
        ordinal,
        Math.round(line.stampMs),
        bytes,
        text,
      );
      size.bytes += bytes;
      size.lines += 1;
    }
    if (size.bytes > this.#limits.bytes || size.lines > this.#limits.lines)
      this.#trim(transaction, device, ordinal, size);
    transaction.afterRollback(() => this.#sizes.delete(sizeKey(device, ordinal)));
    transaction.afterCommit(() => this.changes.publish(device));
  }

  /** Ends a line that was left open (a prompt, say), so that what comes next begins its own. */
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
   * Tells which boot a device is in. Another boot than the last begins a new log, the one before becomes the previous,
   * older ones go. Lines stamped at or after `sinceMs` are already of the new boot: its text came before its hello.
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
    const forgetSizes = () => {
      for (const old of [ordinal, ordinal - 1, ordinal - 2]) this.#sizes.delete(sizeKey(device, old));
    };
    forgetSizes();
    transaction.afterRollback(forgetSizes);
  }

  /** Lines after `afterId`, oldest first; of both boots, as a follower wants them. */
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

  /** @returns false where the device never had that boot */
  has(device: string, choice: BootChoice): boolean {
    return this.#ordinal(device, choice) !== undefined;
  }

  lastId(device: string): number {
    return Number(
      this.#database.get("SELECT max(id) AS id FROM log_lines WHERE device = ?", device)?.id ?? 0,
    );
  }

  /** The id after which the last `lines` lines of a boot begin; parts of a line count as one with what they belong to. */
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
    for (const key of this.#sizes.keys()) if (key.startsWith(`${device} `)) this.#sizes.delete(key);
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

  #size(transaction: Transaction, device: string, ordinal: number): { bytes: number; lines: number } {
    const key = sizeKey(device, ordinal);
    let size = this.#sizes.get(key);
    if (!size) {
      const row = transaction.get(
        "SELECT count(*) AS lines, coalesce(sum(bytes), 0) AS bytes FROM log_lines WHERE device = ? AND ordinal = ?",
        device,
        ordinal,
      );
      size = { lines: Number(row?.lines ?? 0), bytes: Number(row?.bytes ?? 0) };
      this.#sizes.set(key, size);
    }
    return size;
  }

  /** Makes an eighth of the room free, so that a chatty device does not pay for it with each line. */
  #trim(
    transaction: Transaction,
    device: string,
    ordinal: number,
    size: { bytes: number; lines: number },
  ): void {
    const target = {
      bytes: Math.floor((this.#limits.bytes * 7) / 8),
      lines: Math.floor((this.#limits.lines * 7) / 8),
    };
    let cutId = 0;
    let dropped = 0;
    for (const row of transaction.all(
      "SELECT id, bytes FROM log_lines WHERE device = ? AND ordinal = ? ORDER BY id",
      device,
      ordinal,
    )) {
      if (size.bytes <= target.bytes && size.lines <= target.lines) break;
      // The newest line stays, however long it is.
      if (size.lines === 1) break;
      cutId = Number(row.id);
      size.bytes -= Number(row.bytes);
      size.lines -= 1;
      dropped += 1;
    }
    transaction.run(
      "DELETE FROM log_lines WHERE device = ? AND ordinal = ? AND id <= ?",
      device,
      ordinal,
      cutId,
    );
    transaction.afterCommit(() => this.#dropped.inc(dropped));
  }
}

function sizeKey(device: string, ordinal: number): string {
  return `${device} ${ordinal}`;
}

function storedLine(row: Row): StoredLine {
  return { id: Number(row.id), stampMs: Number(row.stamp_ms), text: String(row.text) };
}
