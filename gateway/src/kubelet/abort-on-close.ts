import type { ServerResponse } from "node:http";

/** A signal that is aborted when who asked goes away before the answer; disposing it ends the watch. */
export function abortOnClose(response: ServerResponse): Disposable & { readonly signal: AbortSignal } {
  const gone = new AbortController();
  const abort = () => gone.abort();
  response.once("close", abort);
  return { signal: gone.signal, [Symbol.dispose]: () => response.removeListener("close", abort) };
}
