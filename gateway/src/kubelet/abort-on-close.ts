import type { ServerResponse } from "node:http";

/**
 * A signal that aborts when the client disconnects before the answer is complete. Dispose it to stop watching the
 * connection.
 */
export function abortOnClose(response: ServerResponse): Disposable & { readonly signal: AbortSignal } {
  const gone = new AbortController();
  const abort = () => gone.abort();
  response.once("close", abort);
  return { signal: gone.signal, [Symbol.dispose]: () => response.removeListener("close", abort) };
}
