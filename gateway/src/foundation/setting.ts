import { isIP } from "node:net";

/**
 * How one setting is read: from text (environment, flags) and from a YAML value. Both return undefined for an invalid
 * value.
 */
export interface Kind<T> {
  readonly expected: string;
  parse(text: string): T | undefined;
  accept(value: unknown): T | undefined;
}

/** A row of the table of settings. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  readonly default: T;
  readonly help: string;
}

/** Rows of the table of settings, by dotted key. */
export type Settings = Readonly<Record<string, Setting<never> | Setting<unknown>>>;

/** A value for each row. */
export type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

export function setting<T>(kind: Kind<T>, fallback: T, help: string): Setting<T> {
  return { kind, default: fallback, help };
}

function checked<T>(
  expected: string,
  parse: (text: string) => T | undefined,
  accept: (value: unknown) => value is T,
): Kind<T> {
  const take = (value: unknown) => (accept(value) ? value : undefined);
  return { expected, parse: (text) => take(parse(text)), accept: take };
}

export const text = checked(
  "a text",
  (given) => given,
  (value): value is string => typeof value === "string",
);

/** An address for the status of Nodes and Pods: the API server refuses a host name there. */
export const ipAddress = checked(
  "an IP address, not that of all interfaces",
  (given) => given,
  (value): value is string => typeof value === "string" && isIP(value) !== 0 && !/^[0:.]+$/.test(value),
);

export const yesNo = checked<boolean>(
  "true or false",
  (given) => (given === "true" ? true : given === "false" ? false : undefined),
  (value): value is boolean => typeof value === "boolean",
);

export const list = checked<readonly string[]>(
  "a list of texts",
  (given) =>
    given
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  (value): value is readonly string[] =>
    Array.isArray(value) && value.every((entry) => typeof entry === "string"),
);

export function integer(min: number, max: number): Kind<number> {
  return checked<number>(
    `an integer of ${min} to ${max}`,
    (given) => (/^-?\d+$/.test(given) ? Number(given) : undefined),
    (value): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
  );
}

export function oneOf<T extends string>(choices: readonly T[]): Kind<T> {
  return checked<T>(
    `one of ${choices.join(", ")}`,
    (given) => given as T,
    (value): value is T => choices.includes(value as T),
  );
}

/** A TCP or UDP port; 0 selects any free one. */
export const port = integer(0, 65_535);
