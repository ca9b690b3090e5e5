import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/**
 * Closes a socket at once in any state: connecting, in its handshake, open, half-closed, closed. Never throws. Resets
 * the connection if possible, like a board that lost its memory.
 */
export function dropSocket(socket: Socket): void {
  // Node resets open TCP sockets alone. Of TLS and pipes it throws ERR_INVALID_HANDLE_TYPE; one that still connects it leaves
  // until it has connected; one that has sent its end it leaves permanently (EINVAL). Only open TCP knows the family of its peer.
  const isOpenTcp = !(socket instanceof TLSSocket) && socket.remoteFamily !== undefined;
  const resettable = isOpenTcp && !socket.writableEnded;
  if (resettable) socket.resetAndDestroy();
  else socket.destroy();
}
