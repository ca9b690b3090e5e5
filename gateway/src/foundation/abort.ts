/**
 * Calls back when the signal aborts, at once when it has already. To be disposed when that no longer matters: a signal keeps
 * its listeners for as long as it lives, and some live as long as the gateway.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): Disposable {
  if (signal?.aborted) callback();
  else signal?.addEventListener("abort", callback, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", callback) };
}

/** @returns undefined where the signal came first */
export async function raceAbort<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _aborting = onAbort(signal, () => resolve(undefined));
  return await Promise.race([awaited, promise]);
}
