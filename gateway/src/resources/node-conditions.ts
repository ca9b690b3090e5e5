import type { DeviceFacts } from "../devices/device.ts";
import { type ConditionCore, timestamp, type WantedCondition } from "./conditions.ts";

/** A figure that becomes bad beyond one bound and good again only beyond another, so that noise at a bound flips nothing. */
interface Threshold {
  readonly badBelow: number;
  readonly goodFrom: number;
}

const heapShare: Threshold = { badBelow: 0.05, goodFrom: 0.1 };
const batteryPercent: Threshold = { badBelow: 15, goodFrom: 20 };
const rssiDbm: Threshold = { badBelow: -85, goodFrom: -80 };
/** Of the files' bytes that are free. */
const filesShare: Threshold = { badBelow: 0.05, goodFrom: 0.1 };
/** Bytes; a task that was ever so close to the end of its stack is a line of code away from it. */
const stackFree: Threshold = { badBelow: 128, goodFrom: 256 };
/** Minus the seconds that the device's clock is off. */
const clockError: Threshold = { badBelow: -5, goodFrom: -2 };

/** Inputs of a Node's conditions that are not in the device's facts. */
export interface NodeView {
  /** The device is flapping. */
  readonly flapping?: boolean;
  /** Extended resources under motelet.dev/, from the device's profile. */
  readonly resources?: Readonly<Record<string, number>>;
  /** Number of motes' Nodes that exist. */
  readonly nodes?: number;
}

/** Reason of Ready while `NodeView.flapping`. */
export const flappingReason = "Flapping";

/** Message for a device with spec.paused. */
export const pausedMessage = "the Device is paused: the gateway leaves it alone";

/**
 * Message for a device that sleeps. The time differs with each sleep, but the phase changes then too, so it causes no
 * extra write.
 */
export function asleepMessage(untilMs: number | undefined): string {
  return untilMs === undefined
    ? "the device announced its sleep"
    : `the device is asleep until ${timestamp(untilMs)}`;
}

/** Whether the device counts as available: it answers, or it announced that it sleeps. */
export function isAvailable({ phase }: Pick<DeviceFacts, "phase">): boolean {
  return phase === "Online" || phase === "Asleep";
}

/** The condition Ready of a Node. */
export function readyOf(
  status: { readonly conditions?: readonly ConditionCore[] } | undefined,
): ConditionCore | undefined {
  return status?.conditions?.find(({ type }) => type === "Ready");
}

/** Removed when the device wakes. The other types under motelet.dev/ stay unchanged while their figure is unknown. */
export const asleepCondition = "motelet.dev/Asleep";

/**
 * The conditions of a device's Node. Pure: hysteresis reads the previous condition from the API object. Messages are
 * constant: a figure in them would cause a write for each sample.
 */
export function nodeConditions(
  facts: DeviceFacts,
  current: readonly ConditionCore[],
  view: NodeView = {},
): readonly WantedCondition[] {
  const { sample, probe, firmware } = facts;
  const { heap, files } = sharesOf(facts);
  const wasBad = (type: string) => current.find((condition) => condition.type === type)?.status === "True";
  const pressure = (type: string, figure: number | undefined, threshold: Threshold): boolean =>
    figure === undefined ? wasBad(type) : figure < (wasBad(type) ? threshold.goodFrom : threshold.badBelow);

  const conditions: WantedCondition[] = [
    readyCondition(facts, view),
    pressureCondition("MemoryPressure", pressure("MemoryPressure", heap, heapShare), [
      "DeviceHasLittleHeap",
      "the device's heap is nearly used up",
      "DeviceHasSufficientMemory",
      "the device has sufficient heap",
    ]),
    pressureCondition("DiskPressure", pressure("DiskPressure", files, filesShare), [
      "DeviceHasLittleFlash",
      "the device's file system is nearly full",
      "DeviceHasNoDiskPressure",
      "the device has sufficient flash",
    ]),
    pressureCondition("PIDPressure", false, [
      "",
      "",
      "DeviceHasSufficientPID",
      "the firmware's tasks are fixed",
    ]),
    pressureCondition("NetworkUnavailable", false, [
      "",
      "",
      "DeviceNeedsNoRoutes",
      "the gateway is the device's network",
    ]),
  ];
  /** Costs a Node nothing before it is first bad: a fleet that comes is busy enough. From then on the Node has it, True or False. */
  const onceBad = (type: string, bad: boolean, texts: PressureTexts): void => {
    if (bad || current.some((condition) => condition.type === type))
      conditions.push(pressureCondition(type, bad, texts));
  };
  if (sample?.batteryPercent !== undefined) {
    const low = pressure("motelet.dev/LowBattery", sample.batteryPercent, batteryPercent);
    onceBad("motelet.dev/LowBattery", low, [
      "BatteryLow",
      "the battery is low",
      "BatteryFine",
      "the battery is fine",
    ]);
  }
  if (sample?.rssiDbm !== undefined) {
    const weak = pressure("motelet.dev/WeakLink", sample.rssiDbm, rssiDbm);
    onceBad("motelet.dev/WeakLink", weak, [
      "SignalWeak",
      "the radio signal is weak",
      "SignalFine",
      "the radio signal is fine",
    ]);
  }
  if (probe?.minStackFreeBytes !== undefined) {
    const low = pressure("motelet.dev/StackLow", probe.minStackFreeBytes, stackFree);
    onceBad("motelet.dev/StackLow", low, [
      "StackNearlyUsed",
      "a task of the device has nearly used up its stack",
      "StacksFine",
      "the tasks' stacks have room",
    ]);
  }
  if (probe?.clockSkewMs !== undefined) {
    const off = pressure("motelet.dev/ClockSkew", -Math.abs(probe.clockSkewMs) / 1000, clockError);
    onceBad("motelet.dev/ClockSkew", off, [
      "ClockIsOff",
      "the device's clock is off by seconds or more",
      "ClockFine",
      "the device's clock agrees with the gateway's",
    ]);
  }
  if (firmware?.state !== undefined) {
    onceBad("motelet.dev/FirmwareOnProbation", firmware.state === "probation", [
      "NotConfirmed",
      "the firmware is rolled back unless it is confirmed",
      "Confirmed",
      "the firmware stays",
    ]);
  }
  if (facts.phase === "Asleep") {
    conditions.push({
      type: asleepCondition,
      status: "True",
      reason: "SleepAnnounced",
      message: asleepMessage(facts.asleepUntilMs),
    });
  }
  return conditions;
}

/** Heap and file system that are free, 0 to 1; absent if the device does not know. */
function sharesOf({ sample, hardware, probe }: DeviceFacts): { heap?: number; files?: number } {
  return {
    ...(sample?.heapFreeBytes !== undefined && hardware.ramBytes
      ? { heap: sample.heapFreeBytes / hardware.ramBytes }
      : {}),
    ...(probe?.filesFreeBytes !== undefined && probe.filesTotalBytes
      ? { files: probe.filesFreeBytes / probe.filesTotalBytes }
      : {}),
  };
}

/**
 * Summarises a device's figures for the conditions: bad, good, between (then the condition stays unchanged), or
 * unknown. While this text is the same, the conditions are the same, whatever the figures are.
 */
export function conditionFigures(facts: DeviceFacts): string {
  const { sample, probe } = facts;
  const { heap, files } = sharesOf(facts);
  const skewMs = probe?.clockSkewMs;
  const judged: readonly (readonly [number | undefined, Threshold])[] = [
    [heap, heapShare],
    [files, filesShare],
    [sample?.batteryPercent, batteryPercent],
    [sample?.rssiDbm, rssiDbm],
    [probe?.minStackFreeBytes, stackFree],
    [skewMs === undefined ? undefined : -Math.abs(skewMs) / 1000, clockError],
  ];
  return judged
    .map(([figure, { badBelow, goodFrom }]) =>
      figure === undefined ? "?" : figure < badBelow ? "-" : figure >= goodFrom ? "+" : "=",
    )
    .join("");
}

function readyCondition({ phase, spec }: DeviceFacts, { flapping }: NodeView): WantedCondition {
  const ready = (status: "True" | "False", reason: string, message: string): WantedCondition => ({
    type: "Ready",
    status,
    reason,
    message,
  });
  if (spec.paused) return ready("False", "DevicePaused", pausedMessage);
  // One text while it comes and goes, or each flip would be a write.
  if (flapping) return ready("False", flappingReason, "the device comes and goes; motelet itself is well");
  switch (phase) {
    case "Online":
      return ready("True", "DeviceOnline", "the device answers");
    case "Asleep":
      return ready("True", "DeviceAsleep", "the device announced its sleep");
    case "Offline":
      return ready("False", "DeviceOffline", "the device has stopped answering; motelet itself is well");
    case "Retired":
      return ready("False", "DeviceRetired", "the device was retired");
    case "Pending":
      return ready("False", "DevicePending", "the device has not said hello yet");
    default:
      return phase satisfies never;
  }
}

/** Reason and message while it is bad, and while it is good. */
type PressureTexts = readonly [string, string, string, string];

function pressureCondition(
  type: string,
  bad: boolean,
  [badReason, badMessage, goodReason, goodMessage]: PressureTexts,
): WantedCondition {
  return bad
    ? { type, status: "True", reason: badReason, message: badMessage }
    : { type, status: "False", reason: goodReason, message: goodMessage };
}
