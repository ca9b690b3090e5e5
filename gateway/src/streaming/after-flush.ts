import type { Writable } from "node:stream";
import type { Clock, Timer } from "../foundation/clock.ts";

const lookMs = 250;

/**
 * Calls back when a socket's bytes have left the process and a grace time has passed: the last bytes (a status, an exit
 * code) must also reach a client that reads slowly.
 * @param waits.flushTimeoutMs limits the wait for a client that does not read
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
