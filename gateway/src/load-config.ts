import { readFileSync } from "node:fs";
import { parse } from "yaml";
import {
  type Config,
  type ConfigSource,
  environmentName,
  flagName,
  type SettingKey,
  settingKeys,
  settings,
} from "./config.ts";
import { ConfigError, messageOf } from "./foundation/errors.ts";
import type { Setting } from "./foundation/setting.ts";

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingKey, ConfigSource>>;
}

/** The sources of a configuration; later ones have priority: file, environment, flags. */
export interface ConfigInput {
  readonly file?: string;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** By dotted key. */
  readonly flags?: Readonly<Record<string, string>>;
}

/**
 * Builds the configuration from its sources.
 * @throws ConfigError that names the key, its place, what was expected and what was found; for an unknown key the
 * nearest known one
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const values: Record<string, unknown> = {};
  const sources: Record<string, ConfigSource> = {};
  for (const key of settingKeys) {
    values[key] = settings[key].default;
    sources[key] = "default";
  }
  const take = (key: string, value: unknown, source: ConfigSource, place: string) => {
    const kind = (settings[knownKey(key, place)] as Setting<unknown>).kind;
    const taken = source === "file" ? kind.accept(value) : kind.parse(value as string);
    if (taken === undefined) {
      throw new ConfigError(
        "CONFIG_VALUE",
        `${place}: expected ${kind.expected}, got ${JSON.stringify(value)}`,
        { key },
      );
    }
    values[key] = taken;
    sources[key] = source;
  };
  if (input.file !== undefined) {
    for (const [key, value] of readFile(input.file)) take(key, value, "file", `${key} in ${input.file}`);
  }
  const byVariable = new Map<string, SettingKey>(settingKeys.map((key) => [environmentName(key), key]));
  for (const [variable, value] of Object.entries(input.environment ?? {})) {
    if (!variable.startsWith("MOTELET_") || value === undefined || foreignVariables.has(variable)) continue;
    const key = byVariable.get(variable);
    if (key === undefined) throw unknown(variable, "the environment", [...byVariable.keys()]);
    take(key, value, "environment", variable);
  }
  for (const [key, value] of Object.entries(input.flags ?? {})) take(key, value, "flag", flagName(key));
  return { config: values as Config, sources: sources as Record<SettingKey, ConfigSource> };
}

/** Variables of the test rig that share our prefix. */
const foreignVariables = new Set(["MOTELET_CACHE", "MOTELET_SOAK", "MOTELET_MATRIX", "MOTELET_CONFIG"]);

function knownKey(key: string, place: string): SettingKey {
  if (key in settings) return key as SettingKey;
  throw unknown(key, place, settingKeys);
}

function unknown(name: string, place: string, known: readonly string[]): ConfigError {
  const nearest = [...known].sort((a, b) => distance(name, a) - distance(name, b))[0];
  return new ConfigError(
    "CONFIG_UNKNOWN_KEY",
    `${place}: there is no setting ${name}; the nearest is ${nearest}`,
    { key: name },
  );
}

/** The settings of a YAML file by dotted key, in the file's order. */
function readFile(path: string): [string, unknown][] {
  let document: unknown;
  try {
    document = parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new ConfigError("CONFIG_FILE", `cannot read the configuration ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
  if (document === null) return [];
  if (!isTree(document)) {
    throw new ConfigError(
      "CONFIG_FILE",
      `${path}: expected settings such as "mqtt: {port: 1883}", got ${JSON.stringify(document)}`,
    );
  }
  return flatten(document, "");
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function flatten(tree: Record<string, unknown>, prefix: string): [string, unknown][] {
  return Object.entries(tree).flatMap(([name, value]): [string, unknown][] =>
    isTree(value) && !(`${prefix}${name}` in settings)
      ? flatten(value, `${prefix}${name}.`)
      : [[`${prefix}${name}`, value]],
  );
}

/** Levenshtein distance: how many letters must change. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(change, (previous[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    previous = row;
  }
  return previous[b.length] as number;
}
