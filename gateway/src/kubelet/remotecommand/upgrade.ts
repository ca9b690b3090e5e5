import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/** An HTTP upgrade request that has not been answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that came behind the request. */
  readonly head: Uint8Array;
}

/** Whether a request asks for an upgrade to this protocol: both headers are lists, in any case of letters. */
export function wantsUpgrade(request: Pick<IncomingMessage, "headers">, protocol: string): boolean {
  const has = (header: string | undefined, word: string) => (header ?? "").toLowerCase().includes(word);
  return has(request.headers.connection, "upgrade") && has(request.headers.upgrade, protocol);
}
