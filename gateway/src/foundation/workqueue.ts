import { type BackoffPolicy, backoffMs } from "./backoff.ts";
import type { Clock, Timer } from "./clock.ts";
import { MoteletError, messageOf } from "./errors.ts";
import type { Logger } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** In this order, work of one before any of the next; all but the first leave some workers free for it. */
const lanes = ["high", "middle", "low", "last"] as const;

/**
 * The high lane runs first and always finds a free worker; the last lane runs while nothing else waits. No lane
 * starves: if its oldest key has waited for {@link patienceMs}, it gets its share of the workers even if higher lanes
 * have work.
 */
export type Lane = (typeof lanes)[number];

/** A lane that has waited for this time gets its share; a shorter burst is served in order of the lanes. */
export const patienceMs = 10_000;

/** One in this many starts belongs to the lane while its oldest key has waited too long: 5/16 in total. */
const startsPerShare = { middle: 8, low: 8, last: 16 } as const satisfies Record<
  Exclude<Lane, "high">,
  number
>;
const lowerLanes = ["middle", "low", "last"] as const;

/**
 * Brings one object to its desired state; level-based, called again when something may have changed.
 * @returns milliseconds after which to look again, or nothing
 * @throws anything: counted, logged, retried with back-off
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<number | undefined>;

/** One kind of work in a queue. */
export interface Work {
  /** Asks for a reconcile of this key. Many calls before it starts make one run; calls during a run make one more. */
  add(key: string): void;
}

interface Item {
  readonly work: RegisteredWork;
  readonly key: string;
  state: "queued" | "running" | "dirty" | "waiting";
  /** When it started to wait for a worker, monotonic. */
  queuedAtMs: number;
  failures: number;
  timer?: Timer;
}

interface RegisteredWork {
  readonly name: string;
  readonly lane: Lane;
  readonly reconcile: Reconcile;
}

const defaultBackoff: BackoffPolicy = { baseMs: 100, factor: 2, maxMs: 10_000, jitter: 0.3 };

/**
 * Runs reconcilers like controller-runtime: one run per key at a time, deduplicated, retried indefinitely with capped
 * back-off. Memory is bounded by `maxItems` keys; further keys are dropped, counted and logged.
 */
export class WorkQueue implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #random: () => number;
  readonly #backoff: BackoffPolicy;
  readonly #workers: () => number;
  readonly #reserve: number;
  readonly #maxItems: number;
  readonly #items = new Map<string, Item>();
  readonly #lanes: Record<Lane, Set<string>> = {
    high: new Set(),
    middle: new Set(),
    low: new Set(),
    last: new Set(),
  };
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop = new AbortController();
  readonly #depth;
  readonly #retries;
  readonly #dropped;
  readonly #duration;
  /** Workers that are busy with other than high work. */
  #runningLow = 0;
  /** Runs started since each lane's share was last checked. */
  readonly #sinceShare: Record<Exclude<Lane, "high">, number> = { middle: 0, low: 0, last: 0 };
  #started = false;

  constructor(options: {
    clock: Clock;
    log: Logger;
    metrics: Metrics;
    random?: () => number;
    backoff?: BackoffPolicy;
    /** Reconciles at a time, in all; asked before each start. */
    workers?: () => number;
    /** … of which this many are kept free for high work; one is always left to the others. */
    reserve?: number;
    maxItems?: number;
  }) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#random = options.random ?? Math.random;
    this.#backoff = options.backoff ?? defaultBackoff;
    this.#workers = options.workers ?? (() => 8);
    this.#reserve = options.reserve ?? 2;
    this.#maxItems = options.maxItems ?? 100_000;
    const { metrics } = options;
    this.#depth = metrics.gauge("motelet_workqueue_depth", "Keys that wait for a worker", ["lane"]);
    metrics.gauge(
      "motelet_workqueue_oldest_seconds",
      "How long the oldest key of a lane has waited for a worker",
      ["lane"],
      (oldest) => {
        for (const lane of lanes) oldest.set({ lane }, this.#oldestWaitMs(lane) / 1000);
      },
    );
    metrics.gauge("motelet_workqueue_workers", "Reconciles that may run at a time", [], (workers) =>
      workers.set(this.#workers()),
    );
    this.#retries = metrics.counter("motelet_workqueue_retries_total", "Reconciles that failed", ["work"]);
    this.#dropped = metrics.counter(
      "motelet_workqueue_dropped_total",
      "Keys that were dropped because the queue was full",
      ["work"],
    );
    this.#duration = metrics.histogram("motelet_workqueue_run_seconds", "Duration of one reconcile", [
      "work",
    ]);
  }

  /** Declares a kind of work. Keys of different kinds are independent. */
  register(name: string, lane: Lane, reconcile: Reconcile): Work {
    const work = { name, lane, reconcile };
    return { add: (key) => this.#add(work, key) };
  }

  /** Starts the workers; keys that were added before wait until then. */
  start(): void {
    this.#started = true;
    this.#pump();
  }

  /** Accepts no more work, aborts running work and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    for (const item of this.#items.values()) item.timer?.cancel();
    await Promise.allSettled(this.#running.values());
    this.#items.clear();
  }

  #add(work: RegisteredWork, key: string): void {
    if (this.#stop.signal.aborted) return;
    const id = `${work.name} ${key}`;
    const item = this.#items.get(id);
    if (!item) {
      if (this.#items.size >= this.#maxItems) {
        this.#dropped.inc({ work: work.name });
        this.#log.error({ work: work.name, item: key, limit: this.#maxItems }, "work dropped: queue is full");
        return;
      }
      this.#enqueue(id, { work, key, state: "queued", queuedAtMs: 0, failures: 0 });
    } else if (item.state === "running") {
      item.state = "dirty";
    } else if (item.state === "waiting" && item.failures === 0) {
      // A timed second look gives way to news; a back-off does not, or a chatty peer would turn it off.
      item.timer?.cancel();
      this.#enqueue(id, item);
    }
  }

  #enqueue(id: string, item: Item): void {
    item.state = "queued";
    item.queuedAtMs = this.#clock.monotonicMs();
    this.#items.set(id, item);
    this.#lanes[item.work.lane].add(id);
    this.#depth.set({ lane: item.work.lane }, this.#lanes[item.work.lane].size);
    this.#pump();
  }

  #pump(): void {
    if (!this.#started || this.#stop.signal.aborted) return;
    const workers = this.#workers();
    while (this.#running.size < workers) {
      const lane = this.#nextLane(this.#runningLow < Math.max(1, workers - this.#reserve));
      if (lane === undefined) return;
      const id = this.#lanes[lane].values().next().value;
      const item = id === undefined ? undefined : this.#items.get(id);
      if (id === undefined || !item) return;
      this.#lanes[lane].delete(id);
      this.#depth.set({ lane }, this.#lanes[lane].size);
      if (lane !== "high") this.#runningLow += 1;
      item.state = "running";
      this.#running.set(id, this.#run(id, item));
    }
  }

  /** Whose turn it is. @param others whether there is a worker for other than high work */
  #nextLane(others: boolean): Lane | undefined {
    if (!others) return this.#lanes.high.size > 0 ? "high" : undefined;
    return this.#dueShare() ?? lanes.find((lane) => this.#lanes[lane].size > 0);
  }

  /** The lane, if any, whose share is due and whose oldest key has waited too long. */
  #dueShare(): Lane | undefined {
    for (const lane of lowerLanes) this.#sinceShare[lane] += 1;
    for (const lane of lowerLanes) {
      if (this.#sinceShare[lane] < startsPerShare[lane]) continue;
      if (this.#oldestWaitMs(lane) < patienceMs) continue;
      this.#sinceShare[lane] = 0;
      return lane;
    }
    return undefined;
  }

  /** 0 where nothing waits. Keys of a lane are in FIFO order. */
  #oldestWaitMs(lane: Lane): number {
    const id = this.#lanes[lane].values().next().value;
    const item = id === undefined ? undefined : this.#items.get(id);
    return item ? this.#clock.monotonicMs() - item.queuedAtMs : 0;
  }

  async #run(id: string, item: Item): Promise<void> {
    const { work, key } = item;
    const endTimer = this.#duration.startTimer({ work: work.name });
    let againAfterMs: number | undefined;
    try {
      againAfterMs = await work.reconcile(key, this.#stop.signal);
      item.failures = 0;
    } catch (error) {
      againAfterMs = backoffMs(this.#backoff, item.failures, this.#random());
      item.failures += 1;
      if (!this.#stop.signal.aborted) this.#reportFailure(item, error);
    }
    endTimer();
    this.#running.delete(id);
    if (work.lane !== "high") this.#runningLow -= 1;
    if (this.#stop.signal.aborted) return;
    this.#settle(id, item, againAfterMs);
    this.#pump();
  }

  #settle(id: string, item: Item, againAfterMs: number | undefined): void {
    if (item.state === "dirty" && item.failures === 0) {
      this.#enqueue(id, item);
    } else if (againAfterMs !== undefined) {
      item.state = "waiting";
      item.timer = this.#clock.after(againAfterMs, () => this.#enqueue(id, item));
    } else {
      this.#items.delete(id);
    }
  }

  #reportFailure(item: Item, error: unknown): void {
    const { work, key, failures } = item;
    this.#retries.inc({ work: work.name });
    const code = error instanceof MoteletError ? error.code : undefined;
    const fields = { work: work.name, item: key, code, failures, err: code ? messageOf(error) : error };
    // A first failure is mostly a lost race for a resourceVersion and mends itself.
    if (failures < 3) this.#log.debug(fields, "reconcile failed");
    else this.#log.warn(fields, "reconcile keeps failing");
  }
}
