/** A timer that has not fired yet. */
export interface Timer {
  cancel(): void;
}

/**
 * The source of time. Everything that waits uses a Clock, so that tests can run a day in a second. `monotonicMs` orders
 * and measures; `wallMs` (Unix milliseconds) is only for timestamps that people or the API read.
 */
export interface Clock {
  monotonicMs(): number;
  wallMs(): number;
  /** Calls back once after `delayMs`. The timer alone does not keep the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}

/** The clock of this machine. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, callback) {
    const handle = setTimeout(callback, Math.max(0, delayMs));
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
};
