/**
 * Calls back when the signal aborts, or at once if it has already aborted. Dispose it when it is no longer needed: a
 * signal keeps its listeners as long as it exists, and some signals exist as long as the gateway.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): Disposable {
  if (signal?.aborted) callback();
  else signal?.addEventListener("abort", callback, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", callback) };
}

/** @returns undefined if the signal aborts first */
export async function raceAbort<T>(awaited: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  using _aborting = onAbort(signal, () => resolve(undefined));
  return await Promise.race([awaited, promise]);
}
