import type { DeviceLink } from "../carrier/link.ts";
import type { ShellCommandRow } from "../shell/call.ts";
import type { Peripheral } from "../shell/process.ts";
import type { FileStoreLimits } from "./file-store.ts";
import type { Services } from "./services.ts";

/** `offline`: no channel; `greeting` and `waiting`: no session yet; `rebooting`: for a short time. */
export type DeviceState = "stopped" | "offline" | "greeting" | "online" | "waiting" | "rebooting";

export interface DeviceOptions {
  readonly link: DeviceLink;
  /** For people only; the gateway knows a device by its link. */
  readonly name?: string;
  /** At most 16 bytes. */
  readonly board?: string;
  /** "name version", at most 20 bytes. */
  readonly firmware?: string;
  /** 8 bytes; absent: derived from the runtime's version and `firmware`. */
  readonly buildId?: Uint8Array;
  /** 1–12 bytes. */
  readonly hardwareId?: Uint8Array;
  /** 32 bits that number this boot: a durable counter; absent: random. Each reboot uses the next number. */
  readonly boot?: number;
  /** Called with the number of each further boot, to store it. */
  readonly onBoot?: (boot: number) => void;
  /** Makes sensors and jitter repeatable. */
  readonly seed?: number;
  readonly maxMessageBytes?: number;
  readonly rxWindowBytes?: number;
  /** Streams that can be open at once; default 23, the maximum. */
  readonly streams?: number;
  readonly logRingBytes?: number;
  readonly ramKiB?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Space for files; default 16 MiB and 256 files. */
  readonly files?: Partial<FileStoreLimits>;
  /** Folder that stores the files beyond this process; see FileFolder. Default: none. */
  readonly filesFolder?: string;
  /** Services in addition to, or instead of, the echo service at port 7. */
  readonly services?: Services;
  /** Creates the peripherals of a boot; default: relay0, led0, adc0. */
  readonly peripherals?: () => readonly Peripheral[];
  /** Commands in addition to the default ones; one with the same name replaces the default. */
  readonly shell?: ReadonlyMap<string, ShellCommandRow>;
  readonly onState?: (state: DeviceState, reason: string) => void;
}

/** Defaults of a device's options. */
export const deviceDefaults = {
  maxMessageBytes: 1_024,
  rxWindowBytes: 16_384,
  streams: 23,
  logRingBytes: 8_192,
  ramKiB: 512,
  files: { totalBytes: 16 * 1024 * 1024, files: 256 },
} as const;
