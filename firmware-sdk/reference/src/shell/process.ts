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

/** The interface of a shell command: its output, its end, and some parts of the device. */
export interface ShellProcess {
  /** Bytes that `write` would accept now. */
  readonly room: number;
  /** Accepts as many bytes of output as fit. */
  write(bytes: Uint8Array): number;
  /** Prints all of a short text: bytes that do not fit now are sent later, up to 64 KiB of them. */
  print(text: string): void;
  printError(text: string): void;
  /** Ends the command; accepted output is still sent. A code outside 0 to 255 becomes 255, with a line on stderr. */
  exit(code: number): void;
  readonly uptimeMs: number;
  /** Device time, milliseconds; see `RunningCommand.wakeAtMs`. */
  readonly nowMs: number;
  /** Absent if no terminal was requested. */
  readonly terminal?: Terminal | undefined;
  /** The parts of the device; any of them may be absent. */
  readonly parts: DeviceParts;
  /** Requests a reboot after the output has been sent. */
  reboot(): void;
  /** Records a line in the device's log. */
  log(text: string): void;
}

/** The continuation of a command that did not end at once. */
export interface RunningCommand {
  /** Bytes of stdin that `take` accepts now. */
  readonly room?: number;
  /** Accepts all of the bytes, at most `room`. Absent: the command does not read stdin. */
  take?(bytes: Uint8Array): void;
  /** Stdin has ended. */
  end?(): void;
  /** Continues: there is space for output, `wakeAtMs` has been reached, or another condition may have changed. */
  step?(): void;
  /** When `step` must be called next, device milliseconds; absent or Infinity: not by time alone. */
  readonly wakeAtMs?: number;
  /** The size of the terminal has changed. */
  resized?(): void;
}

/** A command that reads stdin. It accepts as much of each message as it can; the rest is sent again. */
export type StdinReader = RunningCommand & Required<Pick<RunningCommand, "room" | "take" | "end">>;

/**
 * Starts a command; returns its continuation, if it did not end at once. `exit` must be called, during the call or
 * later.
 */
export type ShellCommand = (process: ShellProcess, args: readonly string[]) => RunningCommand | undefined;

/** A part of the device that accepts commands (SPEC §6.15). */
export interface Peripheral {
  /** At most 32 bytes. */
  readonly name: string;
  /** At most 16 bytes, e.g. `relay`. */
  readonly kind: string;
  /** Executes argv, e.g. `set on`. */
  readonly run: ShellCommand;
}

/** The parts of a device in addition to its session. The device does not have absent ones. */
export interface DeviceParts {
  readonly files?: FileStore | undefined;
  readonly services?: Services | undefined;
  readonly peripherals?: readonly Peripheral[] | undefined;
  readonly settings?: Settings | undefined;
  readonly ring?: LogRing | undefined;
  /** Returns the present figures. */
  readonly stats?: (() => DeviceStats) | undefined;
}
