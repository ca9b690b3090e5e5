import { onAbort } from "./abort.ts";
import type { Clock } from "./clock.ts";

/**
 * Waits `delayMs` on the clock.
 * @throws the signal's reason when it aborts first
 */
export async function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = clock.after(delayMs, resolve);
  using _aborting = onAbort(signal, () => {
    timer.cancel();
    reject(signal?.reason);
  });
  await promise;
}
