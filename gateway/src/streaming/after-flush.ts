import type { Writable } from "node:stream";
import type { Clock, Timer } from "../foundation/clock.ts";

const lookMs = 250;

/**
 * Calls back once a socket's bytes have left the process and a grace has passed: what is behind the last byte (a status,
 * an exit code) belongs to a client that reads slowly as well.
 * @param waits.flushTimeoutMs a client that reads nothing is not waited for longer
 */
export function afterFlush(
  socket: Pick<Writable, "writableLength">,
  clock: Clock,
  waits: { readonly graceMs: number; readonly flushTimeoutMs: number },
  callback: () => void,
): Timer {
  const untilMs = clock.monotonicMs() + waits.flushTimeoutMs;
  let timer: Timer;
  const look = () => {
    if (socket.writableLength === 0) timer = clock.after(waits.graceMs, callback);
    else if (clock.monotonicMs() >= untilMs) callback();
    else timer = clock.after(lookMs, look);
  };
  look();
  return { cancel: () => timer?.cancel() };
}
