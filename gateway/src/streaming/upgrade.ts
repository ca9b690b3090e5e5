import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { RequestError } from "../foundation/errors.ts";

/** An HTTP upgrade request that has not been answered yet. */
export interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Bytes that arrived after the request. */
  readonly head: Uint8Array;
}

/** Whether a request asks for an upgrade to this protocol: both headers are lists; upper and lower case are equal. */
export function wantsUpgrade(request: Pick<IncomingMessage, "headers">, protocol: string): boolean {
  const has = (header: string | undefined, word: string) => (header ?? "").toLowerCase().includes(word);
  return has(request.headers.connection, "upgrade") && has(request.headers.upgrade, protocol);
}

/** The error for a streaming request without a supported upgrade. */
export function noKnownUpgrade(): RequestError {
  return new RequestError(
    "UPGRADE_REQUIRED",
    "unable to upgrade: the request asks neither for SPDY/3.1 nor for a WebSocket",
  );
}

/** The head of the reply that switches a connection to SPDY. */
export function switchingToSpdy(protocol: string): string {
  return [
    "HTTP/1.1 101 Switching Protocols",
    "Connection: Upgrade",
    "Upgrade: SPDY/3.1",
    `X-Stream-Protocol-Version: ${protocol}`,
    "\r\n",
  ].join("\r\n");
}
