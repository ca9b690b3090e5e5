import type { LogStore, StoredLine } from "../store/log-store.ts";
import type { Registry } from "./registry.ts";

/** One line (or part of one) of a device's log. */
export interface LogEntry {
  /** Unix milliseconds: arrival − age. */
  readonly stampMs: number;
  /** With its line end, unless the line is not complete yet. */
  readonly text: string;
}

export interface LogQuery {
  /** The boot before this one. */
  readonly previous: boolean;
  readonly follow: boolean;
  /** Count from the end; applied before `sinceMs`, as a kubelet does. */
  readonly tailLines?: number;
  /** Unix milliseconds: only what is stamped at it or later. */
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/** Reads a device's stored log, oldest first. With `follow` it goes on until the signal or the device's removal. */
export interface DeviceLogReader {
  /** @returns undefined where there is no such log (no previous boot) */
  read(key: string, query: LogQuery): AsyncIterable<readonly LogEntry[]> | undefined;
}

/** Lines that are read from the store at a time. */
const batchLines = 500;

/**
 * The devices' logs: console text and reports in order of arrival. A follower goes on across reboots, and sees late
 * reports of the boot before too.
 */
export class DeviceLog implements DeviceLogReader {
  readonly #registry: Registry;
  readonly #logs: LogStore;

  constructor(registry: Registry, logs: LogStore) {
    this.#registry = registry;
    this.#logs = logs;
  }

  read(key: string, query: LogQuery): AsyncIterable<readonly LogEntry[]> | undefined {
    const uid = this.#registry.get(key)?.spec.uid;
    if (uid === undefined) return undefined;
    if (query.previous && !this.#logs.has(uid, "previous")) return undefined;
    return this.#batches(key, uid, query);
  }

  async *#batches(key: string, uid: string, query: LogQuery): AsyncGenerator<readonly LogEntry[]> {
    const { previous, follow, tailLines, sinceMs, signal } = query;
    const choice = previous ? "previous" : "this";
    const wanted = (line: StoredLine) => sinceMs === undefined || line.stampMs >= sinceMs;
    const throughId = this.#logs.lastId(uid);
    let afterId = tailLines === undefined ? 0 : this.#logs.tailStart(uid, choice, throughId, tailLines);
    while (!signal.aborted) {
      const lines = this.#logs.page(uid, choice, { afterId, throughId }, batchLines);
      const last = lines.at(-1);
      if (!last) break;
      afterId = last.id;
      const entries = lines.filter(wanted).map(entryOf);
      if (entries.length > 0) yield entries;
    }
    if (!follow || previous) return;
    afterId = throughId;
    while (!signal.aborted && this.#registry.get(key)?.spec.uid === uid) {
      const grown = this.#changed(key, uid, signal);
      const lines = this.#logs.after(uid, afterId, batchLines);
      const last = lines.at(-1);
      if (last) {
        grown.cancel();
        afterId = last.id;
        const entries = lines.filter(wanted).map(entryOf);
        if (entries.length > 0) yield entries;
      } else {
        await grown.done;
      }
    }
  }

  /** Waits until the log has grown, the device is removed, or the signal. Registered before the log is read. */
  #changed(key: string, uid: string, signal: AbortSignal): { done: Promise<void>; cancel: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const subscriptions = [
      this.#logs.changes.subscribe((device) => device === uid && resolve()),
      this.#registry.changes.subscribe((other) => other === key && !this.#registry.get(key) && resolve()),
    ];
    const cancel = () => {
      for (const unsubscribe of subscriptions) unsubscribe();
      signal.removeEventListener("abort", cancel);
      resolve();
    };
    signal.addEventListener("abort", cancel, { once: true });
    if (signal.aborted) cancel();
    return { done: promise.finally(cancel), cancel };
  }
}

function entryOf({ stampMs, text }: StoredLine): LogEntry {
  return { stampMs, text };
}
