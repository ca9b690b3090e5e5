import type { Socket } from "node:net";

/** Address and port of a peer, for log lines. */
export function peerOf(socket: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
}

/** The address of a peer without its port, which differs at each connection. */
export function addressOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(":"));
}
