import type { BeatMessage } from "@motelet/profiles";
import type { DeviceSample } from "./device.ts";

/** The figures of a beat (SPEC §3.2); a figure that the device does not know is absent. */
export function sampleOf(beat: BeatMessage, atMs: number): DeviceSample {
  const { uptimeS, heapFree64, rssiDbm, batteryPercent, temperatureC, cpuPercent } = beat;
  return {
    atMs,
    ...(uptimeS === undefined ? {} : { uptimeS }),
    ...(heapFree64 === undefined ? {} : { heapFreeBytes: heapFree64 * 64 }),
    ...(rssiDbm === undefined ? {} : { rssiDbm }),
    ...(batteryPercent === undefined ? {} : { batteryPercent }),
    ...(temperatureC === undefined ? {} : { temperatureC }),
    ...(cpuPercent === undefined ? {} : { cpuPercent }),
  };
}
