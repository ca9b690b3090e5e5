import { systemClock } from "../../gateway/src/foundation/clock.ts";
import { createLogger } from "../../gateway/src/foundation/log.ts";
import { Metrics } from "../../gateway/src/foundation/metrics.ts";
import { Informer, informerMetrics } from "../../gateway/src/kubeapi/informer.ts";
import type { KubeClient } from "../../gateway/src/kubeapi/kube-client.ts";
import { type KubeObject, objectKey } from "../../gateway/src/kubeapi/objects.ts";
import { RigError } from "../rig/errors.ts";
import { deathError, onDeath } from "../rig/vital-processes.ts";

/** Follows a collection and counts those of its objects that are as they should be. */
export class ObjectWatch<T extends KubeObject> implements AsyncDisposable {
  readonly #informer: Informer<T>;
  readonly #path: string;
  readonly #holds: (object: T) => boolean;
  readonly #good = new Set<string>();
  #waiter: { readonly enough: (count: number) => boolean; readonly reached: () => void } | undefined;

  private constructor(informer: Informer<T>, path: string, holds: (object: T) => boolean) {
    this.#path = path;
    this.#holds = holds;
    this.#informer = informer;
    informer.changes.subscribe((key) => this.#judge(key));
  }

  /** @param holds whether one object counts */
  static async start<T extends KubeObject>(
    kube: KubeClient,
    path: string,
    holds: (object: T) => boolean,
  ): Promise<ObjectWatch<T>> {
    const log = createLogger({ level: "silent" });
    const metrics = informerMetrics(new Metrics());
    const informer = new Informer<T>({ kube, path, clock: systemClock, log, metrics });
    const watch = new ObjectWatch(informer, path, holds);
    await informer.start();
    return watch;
  }

  /** Counts by another measure in the same stream of news, which costs the API server nothing more; ends with this one. */
  also(holds: (object: T) => boolean): ObjectWatch<T> {
    const other = new ObjectWatch(this.#informer, this.#path, holds);
    for (const object of this.#informer.list()) other.#judge(objectKey(object));
    return other;
  }

  /** How many objects are as they should be. */
  get count(): number {
    return this.#good.size;
  }

  /**
   * Waits until the count is what is wanted.
   * @returns the moment, as performance.now() tells it
   * @throws RigError DEADLINE_PASSED, or PROCESS_ENDED when a vital process has died
   */
  async until(enough: (count: number) => boolean, deadlineMs: number): Promise<number> {
    if (enough(this.count)) return performance.now();
    const death = deathError();
    if (death) throw death;
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    this.#waiter = { enough, reached: () => resolve(performance.now()) };
    using _death = onDeath(reject);
    const timer = setTimeout(() => {
      const message = `after ${deadlineMs} ms only ${this.count} objects of ${this.#path} are as wanted`;
      reject(new RigError("DEADLINE_PASSED", message));
    }, deadlineMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiter = undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#informer[Symbol.asyncDispose]();
  }

  #judge(key: string): void {
    const object = this.#informer.get(key);
    if (object && this.#holds(object)) this.#good.add(key);
    else this.#good.delete(key);
    if (this.#waiter?.enough(this.count)) this.#waiter.reached();
  }
}
