/** Numbers from … end − 1. */
export interface SequenceRange {
  readonly from: number;
  readonly end: number;
}

/** What the store keeps of a context: numbers that no process has used, if the key is still that of the same Secret. */
export interface StoredRest extends SequenceRange {
  readonly secretUid: string;
}

export type SequenceEffect =
  /** Reserve a block in the API object, all of it from `above` on, then call `reserved`, `notReserved` or `refuse`. */
  | { readonly do: "reserve"; readonly above: number }
  /** Replace what the store keeps, then call `stored`. */
  | { readonly do: "store"; readonly rest: StoredRest };

/** Why no number will come any more: the key has to be replaced. */
export type SequenceRefusal = "KEY_REPLACED" | "WENT_BACK" | "EXHAUSTED";

export interface SequenceSteps {
  /** Numbers that one write to the API object reserves. */
  readonly block: number;
  /** Numbers that one write to the store marks as used: what a restart without the API server wastes at most. */
  readonly chunk: number;
  /** The next chunk is marked when this many are left of the present one. */
  readonly chunkLow: number;
  /** The next block is reserved when this many are left of the present one: time for an API server to return. */
  readonly blockLow: number;
}

export const sequenceSteps: SequenceSteps = {
  block: 65_536,
  chunk: 1_024,
  chunkLow: 512,
  blockLow: 16_384,
};

interface Block {
  next: number;
  /** Numbers below are marked as used in the store; the process may use them. */
  allowed: number;
  readonly end: number;
  /** No store has heard of it: if its first write fails, no restart can find it. */
  fresh: boolean;
}

/**
 * Decides which sender sequence numbers a process may use, so that no two processes ever use the same one, and no process uses
 * one twice. Pure: it asks for effects and gets their results; a process may die between any two calls.
 *
 *   API object   next ──────────► block [from, end) is this process's alone
 *   store        rest [mark, end) ─► written before a number below mark is used
 *   memory       next … mark     ─► given out, one by one
 *
 * 1. A block is reserved by compare-and-set. Whatever is not used of it is lost, unless the store knows it.
 * 2. A number is used only after the write that marks it as used has ended. If the write failed, nobody knows what the store
 *    has: the numbers of a block that it has never heard of may be used all the same, those of another one may not.
 * 3. A start asks the API object first. Only if it cannot be asked, the rest in the store is used: the store's file may be an old copy,
 *    the API object tells nothing about that.
 * 4. A block below a number that this store or process has seen reserved means that the API object was restored from a backup. The
 *    object is marked then, so that nobody uses the key any more.
 */
export class SequenceReservation {
  readonly #secretUid: string;
  readonly #steps: SequenceSteps;
  #rest: StoredRest | undefined;
  #current: Block | undefined;
  #spare: SequenceRange | undefined;
  /** End of the highest block that is known to be reserved. */
  #highest: number;
  #reserving = false;
  /** A reservation failed: wait for `retry`. */
  #paused = false;
  #writing: { readonly block: Block; readonly mark: number } | undefined;
  #refusal: SequenceRefusal | undefined;
  #effects: SequenceEffect[] = [];

  /** @param stored what the store kept under this key, for whichever Secret */
  constructor(secretUid: string, stored: StoredRest | undefined, steps = sequenceSteps) {
    this.#secretUid = secretUid;
    this.#steps = steps;
    this.#highest = stored?.end ?? 0;
    this.#rest = stored?.secretUid === secretUid && stored.from < stored.end ? stored : undefined;
    this.#plan();
  }

  get refusal(): SequenceRefusal | undefined {
    return this.#refusal;
  }

  /** Whether `take` would return a number. */
  get available(): boolean {
    return this.#current !== undefined && this.#current.next < this.#current.allowed;
  }

  /** What is to be done now; each effect is returned once. */
  drain(): readonly SequenceEffect[] {
    if (this.#effects.length === 0) return this.#effects;
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  /** @returns a number that was never used; undefined if there is none now */
  take(): number | undefined {
    if (this.#refusal || !this.#current) return undefined;
    const block = this.#current;
    const sequence = block.next < block.allowed ? block.next++ : undefined;
    if (block.allowed - block.next < this.#steps.chunkLow) this.#plan();
    return sequence;
  }

  reserved(range: SequenceRange): void {
    this.#reserving = false;
    if (this.#refusal) return;
    if (range.from < this.#highest) {
      this.refuse("WENT_BACK");
      return;
    }
    this.#highest = range.end;
    // The rest of the process before is wasted: its file may be an old copy.
    this.#rest = undefined;
    this.#spare = range;
    this.#plan();
  }

  /** The API object could not be asked. */
  notReserved(): void {
    this.#reserving = false;
    this.#paused = true;
    if (this.#rest) {
      const { from, end } = this.#rest;
      this.#current = { next: from, allowed: from, end, fresh: false };
      this.#rest = undefined;
    }
    this.#plan();
  }

  /** Time to try a reservation again. */
  retry(): void {
    this.#paused = false;
    this.#plan();
  }

  /** The last write to the store has ended; after a failure it is not known what the store has. */
  stored(kept: boolean): void {
    const { block, mark } = this.#writing ?? {};
    this.#writing = undefined;
    if (!block || mark === undefined) return;
    if (kept || block.fresh) block.allowed = mark;
    block.fresh = false;
    // What is left behind the mark stays unused, and a block that the store has not heard of comes next.
    if (!kept && block === this.#current) this.#current = { ...block, end: block.allowed };
    this.#plan();
  }

  /** No number is given out any more. */
  refuse(reason: SequenceRefusal): void {
    this.#refusal = reason;
    this.#current = undefined;
    this.#spare = undefined;
    this.#rest = undefined;
  }

  #plan(): void {
    if (this.#refusal) return;
    if (this.#spare && (!this.#current || this.#current.next === this.#current.end)) {
      const { from, end } = this.#spare;
      this.#current = { next: from, allowed: from, end, fresh: true };
      this.#spare = undefined;
    }
    this.#planWrite();
    const left = this.#current ? this.#current.end - this.#current.next : 0;
    if (this.#reserving || this.#paused || this.#spare || left >= this.#steps.blockLow) return;
    this.#reserving = true;
    this.#effects.push({ do: "reserve", above: this.#highest });
  }

  #planWrite(): void {
    const block = this.#current;
    // One write at a time, or an older mark could overtake a newer one.
    if (!block || this.#writing || block.allowed === block.end) return;
    if (block.allowed - block.next >= this.#steps.chunkLow) return;
    const mark = Math.min(block.allowed + this.#steps.chunk, block.end);
    this.#writing = { block, mark };
    this.#effects.push({ do: "store", rest: { secretUid: this.#secretUid, from: mark, end: block.end } });
  }
}
