import { LogLevel } from "@motelet/profiles";

/** A setting: its name, what it begins with, and what it takes. */
interface SettingRow {
  readonly initial: string;
  /** For people, in errors after "expected". */
  readonly expected: string;
  readonly takes: (value: string) => boolean;
}

const atMostBytes = (max: number) => (value: string) => Buffer.byteLength(value) <= max;

/** The settings that every device has (SHELL.md). */
const rows = {
  "log-level": {
    initial: "debug",
    expected: "debug, info, warn or error",
    takes: (value) => Object.hasOwn(LogLevel, value),
  },
  prompt: { initial: ">", expected: "at most 16 bytes", takes: atMostBytes(16) },
  label: { initial: "", expected: "at most 32 bytes", takes: atMostBytes(32) },
  "temperature-offset": {
    initial: "0",
    expected: "-50 to 50",
    takes: (value) => /^-?\d{1,2}$/.test(value) && Math.abs(Number(value)) <= 50,
  },
} as const satisfies Readonly<Record<string, SettingRow>>;

export type SettingName = keyof typeof rows;

/** The result of a `set`. */
export type SettingOutcome =
  | { readonly kind: "set" }
  | { readonly kind: "unknown" }
  | { readonly kind: "refused"; readonly expected: string };

/** The settings of a device; as in flash, they survive its reboots. */
export class Settings {
  /** Only values that differ from the defaults, so that a fleet's settings need little memory. */
  readonly #values = new Map<SettingName, string>();

  get names(): readonly SettingName[] {
    return Object.keys(rows) as SettingName[];
  }

  get(name: SettingName): string {
    return this.#values.get(name) ?? rows[name].initial;
  }

  /** The value of a setting; undefined if there is none of that name. */
  find(name: string): string | undefined {
    return isSettingName(name) ? this.get(name) : undefined;
  }

  set(name: string, value: string): SettingOutcome {
    if (!isSettingName(name)) return { kind: "unknown" };
    const row: SettingRow = rows[name];
    if (!row.takes(value)) return { kind: "refused", expected: row.expected };
    this.#values.set(name, value);
    return { kind: "set" };
  }
}

const isSettingName = (name: string): name is SettingName => Object.hasOwn(rows, name);
