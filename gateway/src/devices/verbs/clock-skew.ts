import { commands } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { DeviceCalls, VerbWords } from "./device-calls.ts";

const words: VerbWords = {
  name: "time",
  code: "TIME",
  unsupported: "TIME_UNSUPPORTED",
  can: "tell its time",
  did: "tell its time",
};

/**
 * How far a device's clock is ahead of the gateway's, milliseconds. Its answer is assumed to be half a round trip old;
 * the uncertain half counts in the device's favour.
 * @throws RequestError TIME_UNSUPPORTED; UnavailableError if the device is offline
 */
export function askClockSkew(
  calls: DeviceCalls,
  clock: Clock,
  key: string,
  signal: AbortSignal,
): Promise<number> {
  return calls.counted(words, async () => {
    const device = await calls.ready(key, commands.time, words, signal);
    const askedMs = clock.monotonicMs();
    const { s, ms } = await calls.ask(device, commands.time, {}, { words, signal });
    const halfTripMs = (clock.monotonicMs() - askedMs) / 2;
    const skewMs = s * 1000 + ms + halfTripMs - clock.wallMs();
    return Math.sign(skewMs) * Math.max(0, Math.abs(skewMs) - halfTripMs);
  });
}
