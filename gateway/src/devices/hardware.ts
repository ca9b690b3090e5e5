import { capabilityNames, type commands, FirmwareState, type HelloMessage } from "@motelet/profiles";
import type { DeviceFacts, DeviceFirmware, DeviceHardware } from "./device.ts";

type Info = ReturnType<(typeof commands)["info"]["decodeResult"]>;

/** The facts in a hello (SPEC §3.3). `nowMs` is Unix milliseconds. */
export function factsOfHello(
  hello: HelloMessage,
  before: DeviceHardware,
  nowMs: number,
): Pick<DeviceFacts, "boot" | "hardware" | "capabilities"> &
  Partial<Pick<DeviceFacts, "firmware" | "bootedAtMs" | "resetCause">> {
  const { boot, board, hardwareId, firmware, buildId, caps, uptimeS, resetCause } = hello;
  return {
    boot,
    hardware: {
      ...before,
      ...(board === undefined ? {} : { board }),
      ...(hardwareId === undefined ? {} : { hardwareId: hex(hardwareId) }),
    },
    capabilities: capabilityNames(caps ?? 0),
    ...(firmware === undefined ? {} : { firmware: firmwareOf(firmware, buildId) }),
    ...(uptimeS === undefined ? {} : { bootedAtMs: nowMs - uptimeS * 1000 }),
    ...(resetCause === undefined ? {} : { resetCause }),
  };
}

/** Hardware facts in the reply to the info command (SPEC §6.2). */
export function hardwareOfInfo(info: Info, before: DeviceHardware): DeviceHardware {
  const { arch, os, ramKiB, flashKiB, labels } = info;
  return {
    ...before,
    ...(arch === undefined ? {} : { arch }),
    ...(os === undefined ? {} : { os }),
    ...(ramKiB === undefined ? {} : { ramBytes: ramKiB * 1024 }),
    ...(flashKiB === undefined ? {} : { flashBytes: flashKiB * 1024 }),
    ...(labels === undefined ? {} : { labels: Object.fromEntries(labels) }),
  };
}

/** The running firmware, from the reply to the info command. */
export function firmwareOfInfo(
  { firmwareSlot, firmwareState }: Info,
  before: DeviceFirmware | undefined,
): DeviceFirmware | undefined {
  if (!before) return undefined;
  return {
    ...before,
    ...(firmwareSlot === undefined ? {} : { slot: firmwareSlot }),
    ...(firmwareState === undefined
      ? {}
      : { state: firmwareState === FirmwareState.probation ? "probation" : "confirmed" }),
  };
}

function firmwareOf(text: string, buildId: Uint8Array | undefined): DeviceFirmware {
  return { text, ...(buildId === undefined ? {} : { buildId: hex(buildId) }) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
