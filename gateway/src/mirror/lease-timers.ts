import { type BackoffPolicy, backoffMs } from "../foundation/backoff.ts";
import type { Clock, Timer } from "../foundation/clock.ts";
import { UnavailableError } from "../foundation/errors.ts";

export interface LeaseTimersOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Number of renewals at the same time; read before each. */
  readonly places: () => number;
  /** Time for one renewal, milliseconds; after that it has failed. */
  readonly deadlineMs: number;
  /**
   * Renews one Lease.
   * @returns milliseconds until the next renewal; undefined: there is nothing to renew any more
   */
  readonly renew: (name: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly failed: (name: string, failures: number, error: unknown) => void;
}

interface Entry {
  /** Whether it has been written before: an existing Lease may expire, and nothing depends on a new one yet. */
  stands: boolean;
  state: "resting" | "due" | "running" | "dirty";
  dueAtMs: number;
  failures: number;
  timer?: Timer;
}

const backoff: BackoffPolicy = { baseMs: 200, factor: 2, maxMs: 5_000, jitter: 0.3 };

/** A Lease that stands goes before a new one that became due so much earlier: the cluster gives a new Node longer than it gives a Lease. */
const newcomersWaitMs = 20_000;

/**
 * One timer for each Lease. Due Leases are renewed in the order in which they would expire, a limited number at the
 * same time, each with a deadline. A failed one is retried with back-off and delays no other. Bounded by the number of
 * Nodes.
 */
export class LeaseTimers implements AsyncDisposable {
  readonly #options: LeaseTimersOptions;
  readonly #entries = new Map<string, Entry>();
  /** Due Leases, existing and new ones: each group in the order in which they became due. */
  readonly #due = { standing: new Set<string>(), new: new Set<string>() };
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #started = false;

  constructor(options: LeaseTimersOptions) {
    this.#options = options;
  }

  /** Starts. Leases that became due before have waited until now. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  /**
   * Milliseconds for which the most urgent Lease has been due; 0 if none is. A new Lease counts only after the time
   * that it may wait.
   */
  get overdueMs(): number {
    const next = this.#next();
    return next ? Math.max(0, this.#options.clock.monotonicMs() - next.urgentAtMs) : 0;
  }

  /**
   * This Lease has changed: it is due now, whatever its timer.
   * @param stands whether a Lease that was not known before already exists in the cluster
   */
  wake(name: string, stands = false): void {
    if (this.#stop.signal.aborted) return;
    const entry = this.#entries.get(name);
    if (!entry) this.#enqueue(name, { stands, state: "due", dueAtMs: 0, failures: 0 });
    else if (entry.state === "running") entry.state = "dirty";
    else if (entry.state === "resting" && entry.failures === 0) this.#enqueue(name, entry);
  }

  /** Ends all timers, aborts running renewals and waits for their end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const { timer } of this.#entries.values()) timer?.cancel();
    await Promise.allSettled(this.#running.values());
    this.#entries.clear();
    for (const due of Object.values(this.#due)) due.clear();
  }

  #enqueue(name: string, entry: Entry): void {
    entry.timer?.cancel();
    entry.state = "due";
    entry.dueAtMs = this.#options.clock.monotonicMs();
    this.#entries.set(name, entry);
    this.#due[entry.stands ? "standing" : "new"].add(name);
    this.#pump();
  }

  /** The most urgent one. */
  #next(): { readonly name: string; readonly entry: Entry; readonly urgentAtMs: number } | undefined {
    const first = (due: ReadonlySet<string>, waitMs: number) => {
      const name = due.values().next().value;
      const entry = name === undefined ? undefined : this.#entries.get(name);
      return name === undefined || !entry ? undefined : { name, entry, urgentAtMs: entry.dueAtMs + waitMs };
    };
    const standing = first(this.#due.standing, 0);
    const newcomer = first(this.#due.new, newcomersWaitMs);
    if (!standing || !newcomer) return standing ?? newcomer;
    return newcomer.urgentAtMs < standing.urgentAtMs ? newcomer : standing;
  }

  #pump(): void {
    if (!this.#started || this.#stop.signal.aborted) return;
    while (this.#running.size < this.#options.places()) {
      const next = this.#next();
      if (!next) return;
      const { name, entry } = next;
      this.#due[entry.stands ? "standing" : "new"].delete(name);
      this.#running.set(name, this.#run(name, entry));
    }
  }

  async #run(name: string, entry: Entry): Promise<void> {
    const { clock, deadlineMs, renew, failed, random } = this.#options;
    entry.state = "running";
    const deadline = new AbortController();
    const timer = clock.after(deadlineMs, () =>
      deadline.abort(new UnavailableError("LEASE_LATE", `no Lease within ${deadlineMs} ms`)),
    );
    let againAfterMs: number | undefined;
    try {
      againAfterMs = await renew(name, AbortSignal.any([this.#stop.signal, deadline.signal]));
      entry.failures = 0;
      entry.stands = true;
    } catch (error) {
      againAfterMs = backoffMs(backoff, entry.failures, random());
      entry.failures += 1;
      if (!this.#stop.signal.aborted) failed(name, entry.failures, error);
    }
    timer.cancel();
    this.#running.delete(name);
    if (this.#stop.signal.aborted) return;
    this.#settle(name, entry, againAfterMs);
    this.#pump();
  }

  #settle(name: string, entry: Entry, againAfterMs: number | undefined): void {
    if (entry.state === "dirty" && entry.failures === 0) this.#enqueue(name, entry);
    else if (againAfterMs === undefined) this.#entries.delete(name);
    else {
      entry.state = "resting";
      entry.timer = this.#options.clock.after(againAfterMs, () => this.#enqueue(name, entry));
    }
  }
}
