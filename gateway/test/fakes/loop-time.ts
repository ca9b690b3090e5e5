const stepMs = 10;

/**
 * Time as this process's event loop had it, for bounds on how long something waits that runs in it: a stretch in which a
 * busy machine did not let it run counts as two steps at most. On an idle machine it is real time. Not seen: a loop that is
 * blocked from within.
 */
export class LoopTime implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #ms = 0;

  constructor() {
    let lastMs = performance.now();
    this.#timer = setInterval(() => {
      const nowMs = performance.now();
      this.#ms += Math.min(nowMs - lastMs, 2 * stepMs);
      lastMs = nowMs;
    }, stepMs);
  }

  /** Since it was made. */
  get ms(): number {
    return this.#ms;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
