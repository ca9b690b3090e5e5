/** Processor time of one part of a device. */
export interface CpuAccount {
  readonly name: string;
  busyMs: number;
}

/**
 * Measures how long a device's parts keep this process busy: each call into a part is timed, and a call from one part
 * into another counts for the inner one only. It uses the clock, which is cheap. On an overloaded machine, time without
 * a core counts too.
 */
export class CpuMeter {
  readonly #now: () => number;
  #totalMs = 0;
  #running: CpuAccount | undefined;
  #sinceMs = 0;

  /** @param now milliseconds, monotonic */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Total of all parts since the meter was created, including parts that have ended. */
  get totalMs(): number {
    return this.#totalMs + (this.#running ? this.#now() - this.#sinceMs : 0);
  }

  /** The part that is being measured at this moment. */
  get running(): CpuAccount | undefined {
    return this.#running;
  }

  measure<T>(account: CpuAccount, run: () => T): T {
    const outer = this.#running;
    this.#charge();
    this.#running = account;
    try {
      return run();
    } finally {
      this.#charge();
      this.#running = outer;
    }
  }

  #charge(): void {
    const nowMs = this.#now();
    if (this.#running) {
      const busyMs = nowMs - this.#sinceMs;
      this.#running.busyMs += busyMs;
      this.#totalMs += busyMs;
    }
    this.#sinceMs = nowMs;
  }
}
