import type { BeatMessage, HelloMessage, MessageKind } from "@motelet/profiles";
import type { CpuMeter } from "./board/cpu-meter.ts";
import type { InfoResult } from "./command.ts";
import type { ShellCommandRow } from "./shell/call.ts";
import type { DeviceParts } from "./shell/process.ts";
import type { StreamSettings } from "./streams.ts";

/** The fields of hello about the device, in addition to its limits (SPEC §3.3). */
export type DeviceDescription = Pick<
  HelloMessage,
  "hardwareId" | "board" | "firmware" | "buildId" | "resetCause"
>;
/** Values of a beat in addition to uptimeS (SPEC §3.4). */
export type SensorValues = Omit<BeatMessage, "kind" | "uptimeS" | "ext">;

export interface SessionSettings extends StreamSettings {
  /** 32 bits that number this boot. */
  readonly boot: number;
  readonly caps: number;
  /** The carrier's retransmission time-out, milliseconds (SPEC §8). */
  readonly rtoMs: number;
  /** Device time at which this boot began. */
  readonly startedMs: number;
  readonly description?: DeviceDescription;
  readonly info?: InfoResult;
  /** Without a ring the device sends no reports. */
  readonly parts?: DeviceParts;
  readonly sense?: (nowMs: number) => SensorValues;
  /** Commands in addition to the default ones, or replacing them. */
  readonly shell?: ReadonlyMap<string, ShellCommandRow>;
  /** Measures the processor time of commands. */
  readonly meter?: CpuMeter;
}

/** The output of the session. */
export interface SessionOutput {
  /** Sends one encoded message; false: the carrier dropped it, and the protocol will repeat it. */
  send(message: Uint8Array, kind: MessageKind): boolean;
  reboot(): void;
  /** An event from outside happened: call `poll`. */
  wake?(): void;
}

/** Counts of dropped and unusual messages, for people and tests. */
export interface SessionCounters {
  /** Messages that were malformed, too long or broke the profile. */
  refused: number;
  /** Messages of an unknown kind, or of one that only devices send. */
  ignored: number;
  /** Messages that the carrier did not accept. */
  dropped: number;
}
