import {
  encodeCbor,
  encodeReportBody,
  type ReportBody,
  type RingPositions,
  serialAdd,
  serialDistance,
} from "@motelet/profiles";

/** A stored report. */
export interface RingEntry {
  readonly seq: number;
  /** Device time when it was recorded, milliseconds; undefined: in an earlier boot. */
  readonly recordedMs: number | undefined;
  readonly body: ReportBody;
}

/** Whole milliseconds since a report was recorded; null if it was recorded in an earlier boot (SPEC §5.6). */
export function ageOf({ recordedMs }: RingEntry, nowMs: number): number | null {
  return recordedMs === undefined ? null : Math.max(0, Math.floor(nowMs - recordedMs));
}

/** The cost of an entry in addition to its body: sequence number and time of recording. */
const entryOverheadBytes = 8;

/**
 * The ring of reports (SPEC §5.6), bounded in bytes: the oldest make room for the newest, stored or not. It serves
 * log-read too, so acknowledged reports stay until they are overwritten.
 *
 *   oldestSeq            nextSeq
 *   ───┼────────────────────┼──▶ seq, modulo 2^16
 */
export class LogRing {
  readonly #capacityBytes: number;
  #epoch: number;
  #nextSeq: number;
  #entries: { readonly entry: RingEntry; readonly bytes: number }[] = [];
  #usedBytes = 0;
  #overwritten = 0;

  /** @param options.nextSeq the first number; the ring starts empty */
  constructor(options: {
    readonly capacityBytes: number;
    readonly epoch: number;
    readonly nextSeq?: number;
  }) {
    this.#capacityBytes = options.capacityBytes;
    this.#epoch = options.epoch;
    this.#nextSeq = options.nextSeq ?? 1;
  }

  get positions(): RingPositions {
    const oldest = this.#entries[0];
    return {
      epoch: this.#epoch,
      nextSeq: this.#nextSeq,
      oldestSeq: oldest ? oldest.entry.seq : this.#nextSeq,
    };
  }

  /** How many reports were overwritten, stored or not. */
  get overwritten(): number {
    return this.#overwritten;
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  /** Records a report. False: it is larger than the ring. */
  record(body: ReportBody, nowMs: number): boolean {
    const bytes = encodeCbor(encodeReportBody(body, "report")).length + entryOverheadBytes;
    if (bytes > this.#capacityBytes) return false;
    while (this.#usedBytes + bytes > this.#capacityBytes) this.#dropOldest();
    this.#entries.push({ entry: { seq: this.#nextSeq, recordedMs: nowMs, body }, bytes });
    this.#usedBytes += bytes;
    this.#nextSeq = serialAdd(this.#nextSeq, 1);
    return true;
  }

  /** All that is left, oldest first, each with the boot that recorded it. */
  *entries(): Generator<RingEntry & { readonly boot: "this" | "previous" }> {
    for (const { entry } of this.#entries)
      yield { ...entry, boot: entry.recordedMs === undefined ? "previous" : "this" };
  }

  /** The device has reset and this memory has survived: recorded times are no longer valid. */
  carryOver(): void {
    this.#entries = this.#entries.map(({ entry, bytes }) => ({
      entry: { ...entry, recordedMs: undefined },
      bytes,
    }));
  }

  /** The report with this number, or the oldest after it. */
  read(from: number): RingEntry | undefined {
    const oldest = this.#entries[0];
    if (!oldest) return undefined;
    const index = serialDistance(from, oldest.entry.seq);
    return this.#entries[Math.max(0, index)]?.entry;
  }

  /** Starts a new epoch of the ring, so that the gateway treats its numbers as new; the reports are kept. */
  renew(epoch: number): void {
    this.#epoch = epoch;
  }

  #dropOldest(): void {
    const dropped = this.#entries.shift();
    if (!dropped) return;
    this.#usedBytes -= dropped.bytes;
    this.#overwritten++;
  }
}
