import { type BackoffPolicy, backoffMs } from "../../../foundation/backoff.ts";
import type { Clock, Timer } from "../../../foundation/clock.ts";
import type { KeyValues } from "../../../store/key-values.ts";
import type { Reservation, SequenceBlocks, SequenceRecord } from "../../directory.ts";
import type { SequenceSource } from "./oscore-peer.ts";
import { type SequenceRefusal, SequenceReservation, type StoredRest } from "./sequence-reservation.ts";

export interface AllocatorOptions {
  readonly record: SequenceRecord;
  readonly blocks: SequenceBlocks;
  readonly keyValues: Pick<KeyValues, "get" | "put">;
  readonly clock: Clock;
  /** In [0, 1): spreads gateways that failed together. */
  readonly random: () => number;
  /** Told once if the key must be replaced. */
  readonly onRefused: (record: SequenceRecord, reason: SequenceRefusal) => void;
}

/** A start uses the rest in the store if the API server has not answered for this time. */
export const reservePatienceMs = 2_000;
const retryPolicy: BackoffPolicy = { baseMs: 500, factor: 2, maxMs: 30_000, jitter: 0.3 };

/** Carries out what a SequenceReservation decides, with the store and the cluster. One a key and process. */
export class SequenceAllocator implements SequenceSource, Disposable {
  readonly #options: AllocatorOptions;
  readonly #reservation: SequenceReservation;
  readonly #ending = new AbortController();
  #retry: Timer | undefined;
  #failures = 0;
  #told = false;

  constructor(options: AllocatorOptions) {
    this.#options = options;
    const { secretUid } = options.record;
    this.#reservation = new SequenceReservation(secretUid, storedRest(options.keyValues.get(this.#key)));
    this.#act();
  }

  take(): number | undefined {
    const sequence = this.#reservation.take();
    this.#act();
    return sequence;
  }

  /** The key came back in another Secret, so a backup may have brought it. */
  refuse(reason: SequenceRefusal): void {
    this.#reservation.refuse(reason);
    this.#act();
  }

  [Symbol.dispose](): void {
    this.#retry?.cancel();
    this.#ending.abort();
  }

  get #key(): string {
    const { wireId, generation, fingerprint } = this.#options.record;
    return `oscore/${wireId}.${generation}.${fingerprint}`;
  }

  #act(): void {
    for (const effect of this.#reservation.drain()) {
      if (effect.do === "reserve") void this.#reserve(effect.above);
      else void this.#store(effect.rest);
    }
    const { refusal } = this.#reservation;
    if (refusal === undefined || this.#told) return;
    this.#told = true;
    this.#options.onRefused(this.#options.record, refusal);
  }

  async #reserve(above: number): Promise<void> {
    const { blocks, record } = this.#options;
    const patience = AbortSignal.timeout(reservePatienceMs);
    let reservation: Reservation | undefined;
    try {
      reservation = await blocks.reserve(record, above, AbortSignal.any([patience, this.#ending.signal]));
    } catch {
      // Whatever it was: nothing is known to be reserved.
    }
    if (this.#ending.signal.aborted) return;
    if (!reservation) this.#unavailable();
    else if (reservation.reserved) {
      this.#failures = 0;
      this.#reservation.reserved(reservation.block);
    } else this.#reservation.refuse(reservation.reason);
    this.#act();
  }

  #unavailable(): void {
    const { clock, random } = this.#options;
    this.#reservation.notReserved();
    this.#retry = clock.after(backoffMs(retryPolicy, this.#failures++, random()), () => {
      this.#reservation.retry();
      this.#act();
    });
  }

  async #store(rest: StoredRest): Promise<void> {
    const kept = await this.#options.keyValues.put(this.#key, rest).then(
      () => true,
      () => false,
    );
    if (this.#ending.signal.aborted) return;
    this.#reservation.stored(kept);
    this.#act();
  }
}

/** What is on the disk was written by this program, or by an earlier or later one. */
function storedRest(value: unknown): StoredRest | undefined {
  const { secretUid, from, end } = (value ?? {}) as Partial<StoredRest>;
  if (typeof secretUid !== "string" || !Number.isSafeInteger(from) || !Number.isSafeInteger(end))
    return undefined;
  return { secretUid, from: from as number, end: end as number };
}
