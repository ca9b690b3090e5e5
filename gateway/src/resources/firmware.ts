import type { DeviceFirmware } from "../devices/device.ts";

export interface FirmwareName {
  readonly name: string;
  readonly version?: string;
}

/** Splits the firmware text of a device ("blinky 1.4.0") into name and version: the last word, if there are two. */
export function firmwareOf(firmware: DeviceFirmware): FirmwareName {
  const words = firmware.text.trim().split(/\s+/);
  const version = words.length > 1 ? words.pop() : undefined;
  return {
    name: (words.join(" ") || "unknown").slice(0, 128),
    ...(version ? { version: version.slice(0, 128) } : {}),
  };
}

/**
 * The image name of a firmware in Pods. Characters that an image name cannot contain become "-"; the result is always a
 * valid reference.
 */
export function firmwareImage(firmware: DeviceFirmware | undefined): string {
  const { name, version } = firmware ? firmwareOf(firmware) : { name: "unknown", version: undefined };
  const repository = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-|-$/g, "");
  const tag = (version ?? "unknown").replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[.-]+/, "");
  return `motelet.dev/firmware/${repository || "unknown"}:${tag || "unknown"}`;
}
