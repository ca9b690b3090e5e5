import type { Clock } from "../../foundation/clock.ts";
import type { AcceptedWebSocket } from "./handshake.ts";

/**
 * Ends a connection some time after ws has ended our half of it. ws does so when the client has broken the protocol or
 * said close, and then waits for the client to close the connection, which one that means no good never does.
 */
export function lingerOnce({ webSocket, socket }: AcceptedWebSocket, clock: Clock, lingerMs: number): void {
  socket.once("finish", () => {
    const linger = clock.after(lingerMs, () => webSocket.terminate());
    socket.once("close", () => linger.cancel());
  });
}
