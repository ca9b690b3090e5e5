import { mkdirSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Takes the lock that `lockPath` stands for and keeps it until it is disposed.
 *
 * It is SQLite's lock on that file, which the kernel releases when its holder dies in whatever way: there are no stale
 * locks, and no window in which two take over the same one. It also holds against callers in the same process.
 * @param onWait called once when another holds it
 */
export async function takeBuildLock(
  lockPath: string,
  options: { onWait?: () => void; signal?: AbortSignal; intervalMs?: number } = {},
): Promise<Disposable> {
  const { DatabaseSync } = await import("node:sqlite");
  mkdirSync(path.dirname(lockPath), { recursive: true });
  for (let attempt = 0; ; attempt++) {
    options.signal?.throwIfAborted();
    const database = new DatabaseSync(lockPath, { timeout: 0 });
    try {
      database.exec("BEGIN EXCLUSIVE");
      return { [Symbol.dispose]: () => database.close() };
    } catch (error) {
      database.close();
      if ((error as { errcode?: number }).errcode !== sqliteBusy) throw error;
    }
    if (attempt === 0) options.onWait?.();
    const pause = options.signal ? { signal: options.signal } : {};
    await delay(options.intervalMs ?? 250, undefined, pause).catch(() => {});
  }
}

const sqliteBusy = 5;
