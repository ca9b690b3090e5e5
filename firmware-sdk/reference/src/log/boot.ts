import { createHash } from "node:crypto";
import { resetCauseNames } from "@motelet/profiles";
import type { DeviceDescription } from "../session-settings.ts";
import { sdkVersion } from "../version.ts";

/**
 * The first line that a boot logs:
 *
 *   boot 7: motelet-reference 0.1.0, board virtual, reset: power on, build 0123456789abcdef
 */
export function bootLine(boot: number, description: DeviceDescription): string {
  const { board = "unknown", resetCause = 0, buildId } = description;
  const cause = resetCauseNames[resetCause] ?? resetCauseNames[0];
  const build = buildId ? Buffer.from(buildId).toString("hex") : "unknown";
  return `boot ${boot}: ${sdkVersion}, board ${board}, reset: ${cause}, build ${build}`;
}

/** The default build id of a device: the same runtime with the same firmware has the same id. */
export function defaultBuildId(firmware: string): Uint8Array {
  return createHash("sha256").update(`${sdkVersion}\n${firmware}`).digest().subarray(0, 8);
}
