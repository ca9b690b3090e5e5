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

/**
 * Carries out what a SequenceReservation decides, with the store and the cluster. One a key and process. Begins with the first
 * number that is wanted: most devices may come by another carrier.
 */
export class SequenceAllocator implements SequenceSource, Disposable {
  readonly #options: AllocatorOptions;
  #reservation: SequenceReservation | undefined;
  readonly #ending = new AbortController();
  #retry: Timer | undefined;
  #failures = 0;
  #told = false;
  #waiting: PromiseWithResolvers<void> | undefined;

  constructor(options: AllocatorOptions) {
    this.#options = options;
  }

  get started(): boolean {
    return this.#reservation !== undefined;
  }

  get refusal(): SequenceRefusal | undefined {
    return this.#reservation?.refusal;
  }

  take(): number | undefined {
    const reservation = (this.#reservation ??= this.#start());
    const sequence = reservation.take();
    this.#act(reservation);
    return sequence;
  }

  get ready(): Promise<void> {
    if (this.#reservation?.available) return Promise.resolve();
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** The key came back in another Secret, so a backup may have brought it. */
  refuse(reason: SequenceRefusal): void {
    const reservation = (this.#reservation ??= this.#start());
    reservation.refuse(reason);
    this.#act(reservation);
  }

  [Symbol.dispose](): void {
    this.#retry?.cancel();
    this.#ending.abort();
  }

  get #key(): string {
    const { wireId, generation, fingerprint } = this.#options.record;
    return `oscore/${wireId}.${generation}.${fingerprint}`;
  }

  #start(): SequenceReservation {
    const { record, keyValues } = this.#options;
    return new SequenceReservation(record.secretUid, storedRest(keyValues.get(this.#key)));
  }

  #act(reservation: SequenceReservation): void {
    for (const effect of reservation.drain()) {
      if (effect.do === "reserve") void this.#reserve(reservation, effect.above);
      else void this.#store(reservation, effect.rest);
    }
    if (reservation.available) {
      this.#waiting?.resolve();
      this.#waiting = undefined;
    }
    const { refusal } = reservation;
    if (refusal === undefined || this.#told) return;
    this.#told = true;
    this.#options.onRefused(this.#options.record, refusal);
  }

  async #reserve(reservation: SequenceReservation, above: number): Promise<void> {
    const { blocks, record } = this.#options;
    const patience = AbortSignal.timeout(reservePatienceMs);
    let outcome: Reservation | undefined;
    try {
      outcome = await blocks.reserve(record, above, AbortSignal.any([patience, this.#ending.signal]));
    } catch {
      // Whatever it was: nothing is known to be reserved.
    }
    if (this.#ending.signal.aborted) return;
    if (!outcome) this.#unavailable(reservation);
    else if (outcome.reserved) {
      this.#failures = 0;
      reservation.reserved(outcome.block);
    } else reservation.refuse(outcome.reason);
    this.#act(reservation);
  }

  #unavailable(reservation: SequenceReservation): void {
    const { clock, random } = this.#options;
    reservation.notReserved();
    this.#retry = clock.after(backoffMs(retryPolicy, this.#failures++, random()), () => {
      reservation.retry();
      this.#act(reservation);
    });
  }

  async #store(reservation: SequenceReservation, rest: StoredRest): Promise<void> {
    const kept = await this.#options.keyValues.put(this.#key, rest).then(
      () => true,
      () => false,
    );
    if (this.#ending.signal.aborted) return;
    reservation.stored(kept);
    this.#act(reservation);
  }
}

/** What is on the disk was written by this program, or by an earlier or later one. */
function storedRest(value: unknown): StoredRest | undefined {
  const { secretUid, from, end } = (value ?? {}) as Partial<StoredRest>;
  if (typeof secretUid !== "string" || !Number.isSafeInteger(from) || !Number.isSafeInteger(end))
    return undefined;
  return { secretUid, from: from as number, end: end as number };
}
