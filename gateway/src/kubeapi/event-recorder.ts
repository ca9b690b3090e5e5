import { LRUCache } from "lru-cache";
import type { Clock } from "../foundation/clock.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { TokenBucket } from "../foundation/token-bucket.ts";
import type { Work, WorkQueue } from "../foundation/workqueue.ts";
import { isNotFound, KubeApiError } from "./errors.ts";
import type { KubeClient } from "./kube-client.ts";
import type { ObjectMeta } from "./objects.ts";

/** The object that an Event is about. */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventText {
  readonly type: "Normal" | "Warning";
  /** One word in UpperCamelCase. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

interface Series {
  readonly subject: EventSubject;
  readonly text: EventText;
  /** Name of the Event object; new for each series. */
  readonly name: string;
  readonly firstMs: number;
  lastMs: number;
  count: number;
  /** The count in the API server; 0 = not created yet. */
  written: number;
}

/** Repetitions within this time become one Event with a count. */
const seriesMs = 10 * 60_000;
const maxSubjects = 4_096;
const maxTries = 4;
/** A subject may say 20 things at once, then one every half minute. */
const perSubject = { burst: 20, refillMs: 30_000 };

/**
 * Records Events (core/v1) about objects. The same text again raises the count of one Event. A subject with too many
 * Events is limited; both cases are counted. Events are written last, when nothing else waits, and dropped after four
 * failed tries.
 */
export class EventRecorder {
  readonly #kube: KubeClient;
  readonly #clock: Clock;
  readonly #component: string;
  readonly #series = new LRUCache<string, Series>({ max: maxSubjects });
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: maxSubjects });
  readonly #failures = new LRUCache<string, number>({ max: maxSubjects });
  readonly #work: Work;
  readonly #dropped;
  #named = 0;

  constructor(options: {
    kube: KubeClient;
    clock: Clock;
    queue: WorkQueue;
    metrics: Metrics;
    component: string;
  }) {
    this.#kube = options.kube;
    this.#clock = options.clock;
    this.#component = options.component;
    this.#dropped = options.metrics.counter("motelet_events_dropped_total", "Events not written", ["cause"]);
    this.#work = options.queue.register("event", "last", (key, signal) => this.#write(key, signal));
  }

  record(subject: EventSubject, text: EventText): void {
    const wallMs = this.#clock.wallMs();
    const id = `${subject.uid} ${text.type} ${text.reason} ${text.message}`;
    const known = this.#series.peek(id);
    if (this.#bucketOf(subject.uid).take(this.#clock.monotonicMs()) > 0) {
      this.#dropped.inc({ cause: "rate" });
      return;
    }
    if (known && wallMs - known.lastMs < seriesMs) {
      known.count += 1;
      known.lastMs = wallMs;
    } else {
      this.#named += 1;
      const name = `${subject.name}.${wallMs.toString(16)}${this.#named.toString(16)}`;
      this.#series.set(id, {
        subject,
        text,
        name,
        firstMs: wallMs,
        lastMs: wallMs,
        count: 1,
        written: 0,
      });
    }
    this.#work.add(id);
  }

  #bucketOf(uid: string): TokenBucket {
    const known = this.#buckets.peek(uid);
    if (known) return known;
    const bucket = new TokenBucket(perSubject, this.#clock.monotonicMs());
    this.#buckets.set(uid, bucket);
    return bucket;
  }

  async #write(id: string, signal: AbortSignal): Promise<undefined> {
    const series = this.#series.peek(id);
    if (!series || series.written === series.count) return undefined;
    const { count } = series;
    const path = `/api/v1/namespaces/${series.subject.namespace}/events`;
    try {
      if (series.written === 0) await this.#kube.create(path, this.#eventOf(series), { signal });
      else await this.#raise(path, series, signal);
      series.written = count;
      this.#failures.delete(id);
    } catch (error) {
      const failures = (this.#failures.peek(id) ?? 0) + 1;
      // A refusal (terminating namespace, no right) will not mend; a failure of the connection or of the API server may.
      if (!isRefusal(error) && failures < maxTries) {
        this.#failures.set(id, failures);
        throw error;
      }
      this.#failures.delete(id);
      this.#series.delete(id);
      this.#dropped.inc({ cause: "refused" });
    }
    return undefined;
  }

  async #raise(path: string, series: Series, signal: AbortSignal): Promise<void> {
    const patch = { count: series.count, lastTimestamp: seconds(series.lastMs) };
    try {
      await this.#kube.patch(`${path}/${series.name}`, patch, "merge", { signal });
    } catch (error) {
      // Events live for an hour by default.
      if (!isNotFound(error)) throw error;
      await this.#kube.create(path, this.#eventOf(series), { signal });
    }
  }

  #eventOf(series: Series) {
    const { subject, text } = series;
    const metadata: ObjectMeta = { name: series.name, namespace: subject.namespace };
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata,
      involvedObject: subject,
      type: text.type,
      reason: text.reason,
      message: text.message.slice(0, 1_024),
      source: { component: this.#component },
      firstTimestamp: seconds(series.firstMs),
      lastTimestamp: seconds(series.lastMs),
      count: series.count,
    };
  }
}

function isRefusal(error: unknown): boolean {
  return error instanceof KubeApiError && error.status < 500 && error.status !== 429;
}

/** metav1.Time has whole seconds. */
function seconds(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d+Z$/, "Z");
}
