import type { Clock } from "../../foundation/clock.ts";
import { FloodMeter } from "../flood-meter.ts";
import type { AcceptedWebSocket } from "./handshake.ts";

/** client-go pings every 5 s. */
const pingLimits = { pings: 200, windowMs: 10_000, unsentBytes: 262_144 } as const;

/**
 * Answers a client's pings as long as it reads the answers.
 * @param onFlood there were too many pings
 */
export function answerPings(
  { webSocket, socket }: AcceptedWebSocket,
  clock: Clock,
  onFlood: () => void,
): void {
  const flood = new FloodMeter(clock, pingLimits.pings, pingLimits.windowMs);
  webSocket.on("ping", (payload) => {
    if (!flood.take()) onFlood();
    else if (socket.writableLength <= pingLimits.unsentBytes) webSocket.pong(payload, false, () => undefined);
  });
}

/**
 * Closes a connection some time after ws has ended the gateway's half of it. ws ends it when the client has broken the
 * protocol or sent a close, and then waits for the client to close the connection. A malicious client never does.
 */
export function lingerOnce({ webSocket, socket }: AcceptedWebSocket, clock: Clock, lingerMs: number): void {
  socket.once("finish", () => {
    const linger = clock.after(lingerMs, () => webSocket.terminate());
    socket.once("close", () => linger.cancel());
  });
}
