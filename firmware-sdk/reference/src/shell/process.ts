import type { FileStore } from "../board/file-store.ts";
import type { Services } from "../board/services.ts";
import type { Settings } from "../board/settings.ts";
import type { LogRing } from "../log-ring.ts";
import type { DeviceStats } from "../stats.ts";

/** A terminal that a command runs on; its size follows exec-control's resize. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
}

/** What a command of the shell sees of the world: its output, its end, and a little of the device. */
export interface ShellProcess {
  /** Bytes that `write` would take now. */
  readonly room: number;
  /** Takes as many bytes of output as there is room for. */
  write(bytes: Uint8Array): number;
  /** Prints all of a short text: what has no room now goes out later, up to 64 KiB of it. */
  print(text: string): void;
  printError(text: string): void;
  /** Ends the command; output that was taken still goes out. A code not within 0 to 255 is 255, with a line on stderr. */
  exit(code: number): void;
  readonly uptimeMs: number;
  /** Device time, milliseconds; see `RunningCommand.wakeAtMs`. */
  readonly nowMs: number;
  /** Absent where no terminal is wanted. */
  readonly terminal?: Terminal | undefined;
  /** What the device is made of; a device may do without any of it. */
  readonly parts: DeviceParts;
  /** Asks for a reboot once the output is out. */
  reboot(): void;
  /** Records a line in the device's log. */
  log(text: string): void;
}

/** What goes on of a command that did not end at once. */
export interface RunningCommand {
  /** Bytes of stdin that `take` can take now. */
  readonly room?: number;
  /** Takes all of the bytes, at most `room`. Absent: the command reads no stdin. */
  take?(bytes: Uint8Array): void;
  /** Stdin has ended. */
  end?(): void;
  /** Goes on: there is room for output, or `wakeAtMs` has come, or something else may have changed. */
  step?(): void;
  /** When `step` must be called next, device milliseconds; absent or Infinity: never by time alone. */
  readonly wakeAtMs?: number;
  /** The terminal has another size. */
  resized?(): void;
}

/** A command that reads stdin. It takes from each message what it can; the rest comes again. */
export type StdinReader = RunningCommand & Required<Pick<RunningCommand, "room" | "take" | "end">>;

/** Starts; returns what goes on, if anything does. `exit` must be called, at once or later. */
export type ShellCommand = (process: ShellProcess, args: readonly string[]) => RunningCommand | undefined;

/** A part of the device that takes commands (SPEC §6.15). */
export interface Peripheral {
  /** At most 32 bytes. */
  readonly name: string;
  /** At most 16 bytes, e.g. `relay`. */
  readonly kind: string;
  /** Carries out argv, e.g. `set on`. */
  readonly run: ShellCommand;
}

/** The parts of a device in addition to its session. It lacks absent ones. */
export interface DeviceParts {
  readonly files?: FileStore | undefined;
  readonly services?: Services | undefined;
  readonly peripherals?: readonly Peripheral[] | undefined;
  readonly settings?: Settings | undefined;
  readonly ring?: LogRing | undefined;
  /** Takes the figures of this moment. */
  readonly stats?: (() => DeviceStats) | undefined;
}
