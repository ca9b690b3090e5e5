import { ChangeFeed } from "../foundation/change-feed.ts";
import { Informer, type InformerOptions, type ObjectStore } from "./informer.ts";
import { type KubeObject, splitKey } from "./objects.ts";

/** Namespaces that a gateway serves. */
export type Namespaces = readonly string[] | "all";

/**
 * One store for a namespaced collection: one informer per namespace, so that rights in these namespaces are enough, or
 * a single informer for the whole cluster.
 */
export class NamespacedInformer<T extends KubeObject> implements ObjectStore<T>, AsyncDisposable {
  readonly changes = new ChangeFeed<string>();
  /** Publishes each namespace (for all: "") when its objects have been read for the first time. */
  readonly reads = new ChangeFeed<string>();
  readonly #informers: ReadonlyMap<string, Informer<T>>;

  /** @param options `path` is that of the API group, e.g. "/api/v1"; `resource` is the plural name */
  constructor(options: InformerOptions & { resource: string; namespaces: Namespaces }) {
    const { path, resource, namespaces } = options;
    const scopes: readonly (readonly [string, string])[] =
      namespaces === "all"
        ? [["", `${path}/${resource}`]]
        : namespaces.map((namespace) => [namespace, `${path}/namespaces/${namespace}/${resource}`]);
    this.#informers = new Map(
      scopes.map(([scope, scopePath]) => [scope, new Informer<T>({ ...options, path: scopePath })]),
    );
    for (const informer of this.#informers.values()) {
      informer.changes.subscribe((key) => this.changes.publish(key));
    }
  }

  get(key: string): T | undefined {
    const informer = this.#informers.get("") ?? this.#informers.get(splitKey(key).namespace);
    return informer?.get(key);
  }

  list(): readonly T[] {
    return [...this.#informers.values()].flatMap((informer) => informer.list());
  }

  /** Whether a namespace's objects have been read. Only then does a missing object mean that it does not exist. */
  hasRead(namespace: string): boolean {
    return (this.#informers.get("") ?? this.#informers.get(namespace))?.listed ?? false;
  }

  /**
   * For readiness: the reason of the first informer that does not work. A namespace that may not be read (it was
   * deleted, or lost its RoleBinding) does not count as long as another one works.
   */
  unhealthyReason(): string | undefined {
    const informers = [...this.#informers.values()];
    const readable = informers.filter(({ refused }) => !refused);
    return (readable.length > 0 ? readable : informers)
      .map((informer) => informer.unhealthyReason())
      .find((reason) => reason);
  }

  /**
   * Resolves when all informers have listed once. A namespace that may not be read delays the others only until its
   * refusal; if none may be read, waits until one may.
   */
  async start(): Promise<void> {
    const informers = [...this.#informers];
    const reads = informers.map(([namespace, informer]) =>
      informer.start().then(() => {
        if (informer.listed) this.reads.publish(namespace);
      }),
    );
    await Promise.all(informers.map(([, { answered }]) => answered));
    await Promise.race(reads);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#informers.values()].map((informer) => informer[Symbol.asyncDispose]()));
  }
}
