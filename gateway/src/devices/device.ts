import type { CarrierName } from "@motelet/profiles";
import type { RefusalText } from "../transport/directory.ts";

/**
 * What the gateway knows of a device: facts only. What can be done with it is in `verbs/`, who judges whether it
 * lives is `liveness.ts`, what the cluster sees of it is `resources/`. No type of Kubernetes or of a carrier here.
 */

export type Phase = "Pending" | "Online" | "Asleep" | "Offline" | "Retired";

/** One allowed link of a device, in its order of preference. */
export interface LinkSpec {
  readonly carrier: CarrierName;
  /** The port, on a carrier that knows a device by its port; absent: the device proves its identity. */
  readonly port?: string;
}

/** One generation of a device's secrets. */
export interface Credential {
  readonly generation: number;
  readonly password: string;
  /** Pre-shared key, 16–256 bytes; absent: the key is the password in UTF-8. */
  readonly key?: Uint8Array;
}

/** The identity of a device on a carrier that can transport a proof (docs/adr/0006). */
export interface DeviceIdentity extends Credential {
  /** Fleet-unique, 1–12 of [a-z0-9]. */
  readonly wireId: string;
  /** UID of the Secret that brought it: another Secret with the same keys may come from a backup. */
  readonly secretUid?: string;
  /** Also accepted until the device has connected with the new one: a rotation without a gap. */
  readonly previous?: Credential;
}

/** The sleep settings in the spec of a device. */
export interface SleepSpec {
  /** How long it sleeps if it does not announce the duration, seconds. */
  readonly checkInS?: number;
  /** Callers wait until it wakes, instead of getting an error. */
  readonly wait: boolean;
}

/** The desired state of a device; built from the Device object by `resources/device.ts`. */
export interface DeviceSpec {
  readonly namespace: string;
  readonly name: string;
  /** UID of the Device object: distinguishes a recreated Device from the previous one. */
  readonly uid: string;
  /** Name of the Node that represents the device. */
  readonly nodeName: string;
  /** Absent: any link over which the identity is proved. */
  readonly links?: readonly LinkSpec[];
  readonly identity?: DeviceIdentity;
  readonly paused: boolean;
  readonly sleep?: SleepSpec;
  /** Names of the parts that take their own commands, in the order of the profile; absent if there are none. */
  readonly peripherals?: readonly string[];
}

interface DeviceLink {
  readonly carrier: CarrierName;
  /** Address or port, for people. */
  readonly peer: string;
  readonly sinceMs: number;
}

export interface DeviceHardware {
  readonly board?: string;
  /** Lower-case hex, from hello. */
  readonly hardwareId?: string;
  /** From the info command. */
  readonly arch?: string;
  readonly os?: string;
  readonly ramBytes?: number;
  readonly flashBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface DeviceFirmware {
  /** `name version` as the device reports it, e.g. "blinky 1.4.0". */
  readonly text: string;
  readonly buildId?: string;
  /** Slot that it runs from. */
  readonly slot?: number;
  /** Firmware on probation is rolled back unless it is confirmed. */
  readonly state?: "confirmed" | "probation";
}

/** What a device reports only when it is asked; absent = it cannot report it. */
export interface DeviceProbe {
  /** The device's clock minus the gateway's, corrected by half the round trip. */
  readonly clockSkewMs?: number;
  /** Unused stack of the task that has the least of it. */
  readonly minStackFreeBytes?: number;
  readonly filesTotalBytes?: number;
  readonly filesFreeBytes?: number;
}

/** The latest figures from a beat; absent = the device does not know. */
export interface DeviceSample {
  readonly atMs: number;
  readonly uptimeS?: number;
  readonly heapFreeBytes?: number;
  readonly rssiDbm?: number;
  readonly batteryPercent?: number;
  readonly temperatureC?: number;
  readonly cpuPercent?: number;
}

/** A board that uses a device's identity. */
export interface IdentityUser {
  /** Address or port at the time when the board was noticed. */
  readonly peer: string;
  /** Lower-case hex, from hello. */
  readonly hardwareId?: string;
  readonly boot: number;
}

/** A snapshot: immutable, replaced as a whole by the registry. Times are Unix milliseconds. */
export interface DeviceFacts {
  /** `<namespace>/<name>` */
  readonly key: string;
  readonly spec: DeviceSpec;
  readonly phase: Phase;
  /** When `phase` last changed. */
  readonly phaseSinceMs: number;
  /** For a device that is Asleep: when it should be back. */
  readonly asleepUntilMs?: number;
  /** Generation of the credential with which it connected last. */
  readonly identityGeneration?: number;
  readonly link?: DeviceLink;
  readonly lastSeenMs?: number;
  readonly boot?: number;
  readonly bootedAtMs?: number;
  /** Boots since the Device was created, not counting the first one that was seen; absent: none. */
  readonly restarts?: number;
  readonly resetCause?: number;
  readonly hardware: DeviceHardware;
  readonly firmware?: DeviceFirmware;
  /** Capability names of profiles/src/capability.ts. */
  readonly capabilities: readonly string[];
  /** Names of the peripherals that the firmware has; absent: not asked, or not answered yet. */
  readonly peripherals?: readonly string[];
  readonly sample?: DeviceSample;
  readonly probe?: DeviceProbe;
  /** Two boards use the device's identity now, or used it in the last ten minutes. */
  readonly duplicate?: { readonly users: readonly [IdentityUser, IdentityUser] } | undefined;
  /** The latest refusal of a client that named this device; undefined after the device's next success. */
  readonly refusal?: DeviceRefusal | undefined;
}

/** A client that named the device was refused. */
export interface DeviceRefusal extends RefusalText {
  readonly code: string;
  /** Address without port, or a serial port: it does not change as long as the client stays at its place. */
  readonly peer: string;
  /** The text of the error, if it contains more than the code. */
  readonly detail?: string;
  readonly atMs: number;
}

export function deviceKey(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}

/** Peripherals that the profile names and the firmware is known to lack, in the order of the profile. */
export function missingPeripherals({
  spec,
  peripherals,
}: Pick<DeviceFacts, "spec" | "peripherals">): readonly string[] {
  return peripherals ? (spec.peripherals ?? []).filter((name) => !peripherals.includes(name)) : [];
}
