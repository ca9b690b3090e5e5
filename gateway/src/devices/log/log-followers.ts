import { onAbort } from "../../foundation/abort.ts";
import type { LogStore, StoredLine } from "../../store/log-store.ts";
import type { Registry } from "../registry.ts";

/** One follower of a device's log. Dispose it at the end. */
export interface Follower extends Disposable {
  /** Resolves at the next change of the log or of the device's facts after this call, or when the signal aborts. */
  changed(): Promise<void>;
  /** Lines of both boots after one, oldest first. */
  after(afterId: number, limit: number): readonly StoredLine[];
}

/** Followers of one device, and what was read last for them since its log changed. */
interface Followed {
  readonly wakes: Set<() => void>;
  read: { readonly afterId: number; readonly lines: readonly StoredLine[] } | undefined;
}

/**
 * Wakes followers of logs, and reads for them. For any number of followers of a device, a change costs one search of
 * its log and, if all have read to the same line, one read of the store.
 */
export class LogFollowers {
  readonly #registry: Registry;
  readonly #logs: LogStore;
  readonly #followed = new Map<string, Followed>();
  /** By the registry's key. */
  readonly #byKey = new Map<string, Set<() => void>>();
  #subscriptions: readonly (() => void)[] = [];

  constructor(registry: Registry, logs: LogStore) {
    this.#registry = registry;
    this.#logs = logs;
  }

  follow(key: string, uid: string, signal: AbortSignal): Follower {
    if (this.#followed.size === 0) this.#subscribe();
    let next = Promise.withResolvers<void>();
    const wake = () => next.resolve();
    const followed = this.#followed.get(uid) ?? { wakes: new Set(), read: undefined };
    const ofKey = this.#byKey.get(key) ?? new Set();
    this.#followed.set(uid, followed);
    this.#byKey.set(key, ofKey);
    followed.wakes.add(wake);
    ofKey.add(wake);
    const aborting = onAbort(signal, wake);
    return {
      changed: () => {
        next = Promise.withResolvers<void>();
        if (signal.aborted) next.resolve();
        return next.promise;
      },
      after: (afterId, limit) => {
        if (followed.read?.afterId !== afterId)
          followed.read = { afterId, lines: this.#logs.after(uid, afterId, limit) };
        return followed.read.lines;
      },
      [Symbol.dispose]: () => {
        aborting[Symbol.dispose]();
        followed.wakes.delete(wake);
        ofKey.delete(wake);
        if (followed.wakes.size === 0) this.#followed.delete(uid);
        if (ofKey.size === 0) this.#byKey.delete(key);
        if (this.#followed.size === 0) for (const unsubscribe of this.#subscriptions) unsubscribe();
      },
    };
  }

  #subscribe(): void {
    this.#subscriptions = [
      this.#logs.changes.subscribe((uid) => {
        const followed = this.#followed.get(uid);
        if (!followed) return;
        followed.read = undefined;
        for (const wake of followed.wakes) wake();
      }),
      this.#registry.changes.subscribe((key) => {
        for (const wake of this.#byKey.get(key) ?? []) wake();
      }),
    ];
  }
}
