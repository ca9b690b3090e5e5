/** Ids of one peer are given out in parts of this size, so that the time of each part is known. */
const partSize = 4_096;

/**
 * Gives out message ids for one peer. An id is not used again within EXCHANGE_LIFETIME (RFC 7252 §4.4): the peer would
 * take the message for a duplicate.
 */
export class MessageIds {
  readonly #lifetimeMs: number;
  /** When the last id of each part was given out, by number of the part. */
  readonly #usedMs = new Map<number, number>();
  #next: number;

  /** @param random 0 ≤ random < 1, so that the first id cannot be guessed */
  constructor(lifetimeMs: number, random: number) {
    this.#lifetimeMs = lifetimeMs;
    this.#next = Math.floor(random * 65_536);
  }

  /** @returns undefined if all ids were used within the lifetime: the message has to wait */
  take(nowMs: number): number | undefined {
    const id = this.#next;
    const part = Math.floor(id / partSize);
    const usedMs = this.#usedMs.get(part);
    const beginsPart = id % partSize === 0;
    if (beginsPart && usedMs !== undefined && nowMs - usedMs < this.#lifetimeMs) return undefined;
    this.#usedMs.set(part, nowMs);
    this.#next = (id + 1) % 65_536;
    return id;
  }
}
