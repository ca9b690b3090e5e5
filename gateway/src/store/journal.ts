import { InternalError } from "../foundation/errors.ts";
import type { Database, Transaction } from "./database.ts";

/** The last stored report of a device's ring (SPEC §5.6). */
export interface ReportPosition {
  readonly epoch: number;
  readonly seq: number;
}

/**
 * The position of each device's reports. A position changes in the transaction that stores the report's content, and
 * only from the position that its writer saw: so content and position always agree, even after a failure.
 */
export class Journal {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  position(device: string): ReportPosition | undefined {
    const row = this.#database.get("SELECT epoch, seq FROM report_positions WHERE device = ?", device);
    return row && { epoch: Number(row.epoch), seq: Number(row.seq) };
  }

  /**
   * Moves the position from `from` (undefined: none, or one of another epoch) to `to`.
   * @throws InternalError JOURNAL_MOVED if another write moved it; the transaction must fail
   */
  advance(
    transaction: Transaction,
    device: string,
    from: ReportPosition | undefined,
    to: ReportPosition,
  ): void {
    const { changes } =
      from?.epoch === to.epoch
        ? transaction.run(
            "UPDATE report_positions SET seq = ? WHERE device = ? AND epoch = ? AND seq = ?",
            to.seq,
            device,
            from.epoch,
            from.seq,
          )
        : transaction.run(
            `INSERT INTO report_positions (device, epoch, seq) VALUES (?, ?, ?)
             ON CONFLICT (device) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq
             WHERE epoch <> excluded.epoch`,
            device,
            to.epoch,
            to.seq,
          );
    if (changes !== 1)
      throw new InternalError(
        "JOURNAL_MOVED",
        `report position of device ${device} has changed since it was read`,
      );
  }

  forget(transaction: Transaction, device: string): void {
    transaction.run("DELETE FROM report_positions WHERE device = ?", device);
  }
}
