import type { LogStore, StoredLine } from "../../store/log-store.ts";
import type { DeviceFacts } from "../device.ts";
import type { Registry } from "../registry.ts";
import { LogFollowers } from "./log-followers.ts";

/** One line (or part of one) of a device's log. */
export interface LogEntry {
  /** Unix milliseconds: arrival − age. */
  readonly stampMs: number;
  /** With its line end, unless the line is not complete yet. */
  readonly text: string;
  /** Starts a new line even if the previous one has no end yet. */
  readonly ownLine?: boolean;
}

export interface LogQuery {
  /** The boot before this one. */
  readonly previous: boolean;
  readonly follow: boolean;
  /** Lines counted from the end; applied before `sinceMs`, as in a kubelet. */
  readonly tailLines?: number;
  /** Unix milliseconds: only lines with this stamp or a later one. */
  readonly sinceMs?: number;
  readonly signal: AbortSignal;
}

/**
 * Reads a device's stored log, oldest first. With `follow` it continues until the signal, until the device is removed,
 * or until the device is offline; then the last line reports that.
 */
export interface DeviceLogReader {
  /** @returns undefined if there is no such log (no previous boot) */
  read(key: string, query: LogQuery): AsyncIterable<readonly LogEntry[]> | undefined;
}

/** Lines that are read from the store at a time: what a reader that has stopped to read may hold in memory. */
const batchLines = 32;

/**
 * The logs of devices: console text and reports in order of arrival. A follower continues across reboots, and also gets
 * late reports of the previous boot.
 */
export class DeviceLog implements DeviceLogReader {
  readonly #registry: Registry;
  readonly #logs: LogStore;
  readonly #followers: LogFollowers;

  constructor(registry: Registry, logs: LogStore) {
    this.#registry = registry;
    this.#logs = logs;
    this.#followers = new LogFollowers(registry, logs);
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
    if (follow && !previous) yield* this.#follow(key, uid, query, throughId);
  }

  /** Yields all lines of both boots after a line, until the device is offline or removed. */
  async *#follow(
    key: string,
    uid: string,
    { sinceMs, signal }: LogQuery,
    throughId: number,
  ): AsyncGenerator<readonly LogEntry[]> {
    let afterId = throughId;
    let settled = false;
    using follower = this.#followers.follow(key, uid, signal);
    while (!signal.aborted) {
      const changed = follower.changed();
      const lines = follower.after(afterId, batchLines);
      const last = lines.at(-1);
      if (last) {
        afterId = last.id;
        const entries = lines.filter((line) => sinceMs === undefined || line.stampMs >= sinceMs).map(entryOf);
        if (entries.length > 0) yield entries;
        continue;
      }
      const facts = this.#registry.get(key);
      if (facts?.spec.uid !== uid) return;
      if (facts.phase !== "Offline") {
        settled = false;
        await changed;
      } else if (settled) {
        yield [goneEntry(facts)];
        return;
      } else {
        // Its last words may still be on their way to the disk.
        await this.#logs.settled();
        settled = true;
      }
    }
  }
}

/** The last line that a follower gets: `kubectl logs -f` has no other place to say why it ends. */
function goneEntry({ key, phaseSinceMs, lastSeenMs }: DeviceFacts): LogEntry {
  const seen = lastSeenMs === undefined ? "" : `, last seen ${new Date(lastSeenMs).toISOString()}`;
  return {
    stampMs: phaseSinceMs,
    text: `motelet: device ${key} is offline${seen}: nothing more to follow\n`,
    ownLine: true,
  };
}

function entryOf({ stampMs, text }: StoredLine): LogEntry {
  return { stampMs, text };
}
