/** A semaphore: when all places are taken, a limited number of callers waits in FIFO order. */
export class Semaphore {
  readonly #limits: { readonly places: number; readonly waiting: number };
  readonly #waiting: (() => void)[] = [];
  #taken = 0;

  constructor(limits: { readonly places: number; readonly waiting: number }) {
    this.#limits = limits;
  }

  /**
   * Takes a place, to be given back.
   * @returns undefined if there is one at once, else a promise of it; "refused" where too many wait
   */
  acquire(): Promise<void> | undefined | "refused" {
    if (this.#taken < this.#limits.places) {
      this.#taken += 1;
      return undefined;
    }
    if (this.#waiting.length >= this.#limits.waiting) return "refused";
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to who has waited longest, or becomes free. */
  release(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#taken -= 1;
  }
}
