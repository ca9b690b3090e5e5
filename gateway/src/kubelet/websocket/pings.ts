import type { Clock } from "../../foundation/clock.ts";
import { FloodMeter } from "../flood-meter.ts";
import type { AcceptedWebSocket } from "./handshake.ts";

/** client-go pings every 5 s. */
const pingLimits = { pings: 200, windowMs: 10_000, unsentBytes: 262_144 } as const;

/**
 * Answers a client's pings while it reads what it gets.
 * @param onFlood there were too many of them
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
