import { type BackoffPolicy, backoffMs } from "../foundation/backoff.ts";
import { ChangeFeed } from "../foundation/change-feed.ts";
import type { Clock } from "../foundation/clock.ts";
import { delay } from "../foundation/delay.ts";
import { MoteletError, messageOf } from "../foundation/errors.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { isForbidden, isGone, KubeApiError } from "./errors.ts";
import type { KubeClient, WatchEvent } from "./kube-client.ts";
import { listPages } from "./list-pages.ts";
import { type KubeObject, type KubeStatus, objectKey } from "./objects.ts";

/** A readable copy of a set of API objects; `changes` publishes the keys that changed, including deletions. */
export interface ObjectStore<T> {
  readonly changes: ChangeFeed<string>;
  get(key: string): T | undefined;
  list(): readonly T[];
}

/** Metrics that all informers of a gateway share. */
export function informerMetrics(metrics: Metrics) {
  return {
    lists: metrics.counter("motelet_informer_lists_total", "Full lists read", ["path"]),
    failures: metrics.counter("motelet_informer_failures_total", "Lists and watches that broke", ["path"]),
  };
}

export interface InformerOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: ReturnType<typeof informerMetrics>;
  /** Collection, e.g. "/apis/motelet.dev/v1alpha1/namespaces/default/devices". */
  readonly path: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly random?: () => number;
}

const backoff: BackoffPolicy = { baseMs: 200, factor: 2, maxMs: 5_000, jitter: 0.5 };
/** After this many failed resumptions the position itself is in doubt (a restored etcd) and everything is listed again. */
const maxResumptions = 5;
/** Watches break and resume with every restart of an API server: a silence of this length is no fault yet. */
const brokenPatienceMs = 15_000;
/** A watch that ends sooner than this counts as a failure, so that a broken proxy is not asked in a tight loop. */
const shortWatchMs = 1_000;

/**
 * Keeps a copy of a collection by list and watch. Resumes from the last resourceVersion after a broken connection,
 * lists again if that is too old (410), and backs off with jitter, indefinitely. Removes managedFields from the
 * objects.
 */
export class Informer<T extends KubeObject> implements ObjectStore<T>, AsyncDisposable {
  readonly changes = new ChangeFeed<string>();
  readonly #options: InformerOptions;
  readonly #selectors: Readonly<Record<string, string | undefined>>;
  readonly #objects = new Map<string, T>();
  readonly #stop = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  readonly #answered = Promise.withResolvers<void>();
  #resourceVersion: string | undefined;
  #listed = false;
  #refused = false;
  /** When the list or watch broke that is not back yet. */
  #brokenSinceMs: number | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: InformerOptions) {
    this.#options = options;
    this.#selectors = { labelSelector: options.labelSelector, fieldSelector: options.fieldSelector };
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): readonly T[] {
    return [...this.#objects.values()];
  }

  /** Whether the whole collection has been read once. */
  get listed(): boolean {
    return this.#listed;
  }

  /** Whether the API server's last answer was that the gateway may not read this. */
  get refused(): boolean {
    return this.#refused;
  }

  /** Resolves when the first list is in the store, or when the gateway may not read it (or on disposal). */
  get answered(): Promise<void> {
    return this.#answered.promise;
  }

  /** For readiness: the reason if nothing has been read yet, or if the watch has been broken for 15 s. */
  unhealthyReason(): string | undefined {
    const { clock, path } = this.#options;
    if (!this.#listed) return `${path} has not been read yet`;
    const brokenMs = this.#brokenSinceMs === undefined ? 0 : clock.monotonicMs() - this.#brokenSinceMs;
    if (brokenMs < brokenPatienceMs) return undefined;
    return `no news of ${path} for ${Math.round(brokenMs / 1_000)} s`;
  }

  /** Resolves when the first list is in the store (or on disposal); keeps trying until then. */
  start(): Promise<void> {
    this.#loop ??= this.#run();
    return this.#synced.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#synced.resolve();
    this.#answered.resolve();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, random = Math.random } = this.#options;
    const { signal } = this.#stop;
    for (let failures = 0; !signal.aborted; ) {
      const startedMs = clock.monotonicMs();
      try {
        if (this.#resourceVersion === undefined || failures > maxResumptions) await this.#relist();
        await this.#follow();
        failures = clock.monotonicMs() - startedMs < shortWatchMs ? failures + 1 : 0;
      } catch (error) {
        if (signal.aborted) return;
        failures = this.#judge(error, failures);
      }
      if (failures > 0)
        await delay(clock, backoffMs(backoff, failures - 1, random()), signal).catch(() => {});
    }
  }

  /** @returns the new count of failures */
  #judge(error: unknown, failures: number): number {
    const { log, metrics, path } = this.#options;
    if (isGone(error)) {
      // A watch that is too old is started again at once; a list that ages faster than it can be read must not become a busy loop.
      const wasWatching = this.#resourceVersion !== undefined;
      this.#resourceVersion = undefined;
      return wasWatching ? 0 : failures + 1;
    }
    metrics.failures.inc({ path });
    this.#refused = isForbidden(error);
    if (this.#refused) this.#answered.resolve();
    this.#brokenSinceMs ??= this.#options.clock.monotonicMs();
    const code = error instanceof MoteletError ? error.code : undefined;
    const fields = { path, code, failures: failures + 1, err: messageOf(error) };
    // One broken watch is an API server's restart; more, or a refusal, wants a person's eye.
    if (failures > 0 || error instanceof KubeApiError) log.warn(fields, "cannot watch");
    else log.debug(fields, "watch broke");
    return failures + 1;
  }

  async #relist(): Promise<void> {
    const { kube, path, metrics } = this.#options;
    const fresh = new Map<string, T>();
    let resourceVersion: string | undefined;
    const options = { query: this.#selectors, signal: this.#stop.signal };
    for await (const { items, metadata } of listPages<T>(kube, path, options)) {
      for (const object of items) fresh.set(objectKey(object), stripped(object));
      resourceVersion = metadata.resourceVersion;
    }
    metrics.lists.inc({ path });
    this.#resourceVersion = resourceVersion;
    const gone = [...this.#objects.keys()].filter((key) => !fresh.has(key));
    const changed = [...fresh].filter(([key, object]) => !sameVersion(this.#objects.get(key), object));
    for (const key of gone) this.#objects.delete(key);
    for (const [key, object] of changed) this.#objects.set(key, object);
    this.#listed = true;
    this.#refused = false;
    this.#synced.resolve();
    this.#answered.resolve();
    for (const key of [...gone, ...changed.map(([key]) => key)]) this.changes.publish(key);
  }

  /** Follows one watch to its end. */
  async #follow(): Promise<void> {
    const { kube, path } = this.#options;
    const query = { ...this.#selectors, resourceVersion: this.#resourceVersion };
    const onOpen = () => {
      this.#refused = false;
      this.#brokenSinceMs = undefined;
    };
    for await (const event of kube.watch<T>(path, { query, signal: this.#stop.signal, onOpen })) {
      if (this.#stop.signal.aborted) return;
      if (event.type === "ERROR") throw statusError(event.object, path);
      this.#apply(event);
    }
  }

  #apply(event: WatchEvent<T>): void {
    this.#resourceVersion = event.object.metadata.resourceVersion ?? this.#resourceVersion;
    if (event.type === "BOOKMARK") return;
    const key = objectKey(event.object);
    if (event.type === "DELETED") this.#objects.delete(key);
    else this.#objects.set(key, stripped(event.object));
    this.changes.publish(key);
  }
}

function sameVersion(known: KubeObject | undefined, fresh: KubeObject): boolean {
  return (
    known?.metadata.resourceVersion === fresh.metadata.resourceVersion &&
    known?.metadata.uid === fresh.metadata.uid
  );
}

/** managedFields are often the larger half of an object; absent in a later PUT they are kept by the API server. */
function stripped<T extends KubeObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T["metadata"] & { managedFields?: unknown };
  return { ...object, metadata };
}

function statusError(object: unknown, path: string): KubeApiError {
  const status = object as KubeStatus;
  return new KubeApiError(status.code ?? 500, status, `watch ${path}`);
}
