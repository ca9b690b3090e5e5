import { type BackoffPolicy, backoffMs } from "../foundation/backoff.ts";
import type { Clock, Timer } from "../foundation/clock.ts";
import { UnavailableError } from "../foundation/errors.ts";

export interface LeaseTimersOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Renewals at a time; asked before each. */
  readonly places: () => number;
  /** Time for one renewal, milliseconds; then it has failed. */
  readonly deadlineMs: number;
  /** One renewal. @returns milliseconds until the next; undefined: there is nothing to renew any more */
  readonly renew: (name: string, signal: AbortSignal) => Promise<number | undefined>;
  readonly failed: (name: string, failures: number, error: unknown) => void;
}

interface Entry {
  /** Whether it has been written: one that stands lapses, of a new one nobody expects anything yet. */
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
 * One timer for each Lease. What is due is renewed in the order in which it would lapse, a limited number at a time, each with a deadline; one
 * that fails is tried again with back-off and holds up no other. Bounded by the Nodes that there are.
 */
export class LeaseTimers implements AsyncDisposable {
  readonly #options: LeaseTimersOptions;
  readonly #entries = new Map<string, Entry>();
  /** Of those that stand, and of new ones: each in the order in which they became due. */
  readonly #due = { standing: new Set<string>(), new: new Set<string>() };
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  #started = false;

  constructor(options: LeaseTimersOptions) {
    this.#options = options;
  }

  /** What became due before waits until now. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  /** Milliseconds for which the most urgent Lease has been due; a new one counts after those for which it may wait. 0 if none is. */
  get overdueMs(): number {
    const next = this.#next();
    return next ? Math.max(0, this.#options.clock.monotonicMs() - next.urgentAtMs) : 0;
  }

  /**
   * There is news of this Lease: it is due now, whatever its timer says.
   * @param stands one that was not known before has been written by somebody earlier
   */
  wake(name: string, stands = false): void {
    if (this.#stop.signal.aborted) return;
    const entry = this.#entries.get(name);
    if (!entry) this.#enqueue(name, { stands, state: "due", dueAtMs: 0, failures: 0 });
    else if (entry.state === "running") entry.state = "dirty";
    else if (entry.state === "resting" && entry.failures === 0) this.#enqueue(name, entry);
  }

  /** Ends all timers, cuts what runs short and waits for it. */
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
