/** A semaphore: when all places are taken, a limited number of callers waits in FIFO order. */
export class Semaphore {
  readonly #limits: { readonly places: number; readonly waiting: number };
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limits: { readonly places: number; readonly waiting: number }) {
    this.#limits = limits;
  }

  /**
   * Takes a place, which must be given back.
   * @returns undefined if a place is free, otherwise a promise of one; "refused" if too many callers wait
   */
  acquire(): Promise<void> | undefined | "refused" {
    if (this.#taken < this.#limits.places) {
      this.#taken += 1;
      return undefined;
    }
    if (this.#waiting.length >= this.#limits.waiting) return "refused";
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives the place to the caller that has waited longest, or frees it. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken -= 1;
  }
}
