import { CborFloat, type CborValue } from "./cbor.ts";

export type MessageErrorCode = "MESSAGE_ENVELOPE" | "MESSAGE_FIELD" | "MESSAGE_MISSING" | "MESSAGE_TOO_LONG";

/** A message of valid CBOR that breaks the profile (SPEC §3.1). */
export class MessageError extends Error {
  readonly code: MessageErrorCode;

  constructor(code: MessageErrorCode, message: string) {
    super(message);
    this.name = "MessageError";
    this.code = code;
  }
}

/**
 * The definition of a value: its type, encoder, decoder, grammar and largest size. Encoder and decoder throw
 * MessageError MESSAGE_FIELD with `where`, what was expected and what was found.
 */
export interface Field<T> {
  readonly cddl: string;
  readonly maxBytes: number;
  readonly optional?: boolean;
  encode(value: T, where: string): CborValue;
  decode(value: CborValue, where: string, tally: Tally): T;
}

/** Counts the elements and keys that a decoder did not know and skipped (SPEC §3.1). */
interface Tally {
  skipped: number;
}

export type FieldType<F> = F extends Field<infer T> ? T : never;

/** The error for a value that a field does not accept. */
export function refuse(where: string, expected: string, value: unknown): MessageError {
  return new MessageError("MESSAGE_FIELD", `${where}: expected ${expected}, got ${describe(value)}`);
}

function describe(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof CborFloat) return `the float ${value.value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Map) return `a map of ${value.size}`;
  if (typeof value === "string") return `a text of ${value.length} characters`;
  return String(value);
}

function field<T>(
  cddl: string,
  maxBytes: number,
  expected: string,
  accepts: (value: unknown) => value is T,
): Field<T> {
  const check = (value: unknown, where: string): T => {
    if (!accepts(value)) throw refuse(where, expected, value);
    return value;
  };
  return { cddl, maxBytes, encode: (value, where) => check(value, where) as CborValue, decode: check };
}

function headBytes(argument: number): number {
  return argument < 24
    ? 1
    : argument < 0x100
      ? 2
      : argument < 0x1_0000
        ? 3
        : argument < 0x1_0000_0000
          ? 5
          : 9;
}

/** An integer from `min` to `max`. */
export function integer(min: number, max: number, cddl = `${min}..${max}`): Field<number> {
  const size = Math.max(headBytes(max), min < 0 ? headBytes(-1 - min) : 1);
  return field(
    cddl,
    size,
    `an integer of ${min} to ${max}`,
    (value): value is number =>
      typeof value === "number" && Number.isInteger(value) && value >= min && value <= max,
  );
}

export const u8 = integer(0, 0xff, "u8");
export const u16 = integer(0, 0xffff, "u16");
export const u32 = integer(0, 0xffff_ffff, "u32");
export const i8 = integer(-128, 127, "i8");

/** A byte string of `min` to `max` bytes. */
export function byteString(min: number, max: number): Field<Uint8Array> {
  const size = min === max ? `${min}` : `${min}..${max}`;
  return field(
    `bstr .size ${min === max ? size : `(${size})`}`,
    headBytes(max) + max,
    `a byte string of ${size} bytes`,
    (value): value is Uint8Array => value instanceof Uint8Array && value.length >= min && value.length <= max,
  );
}

const utf8 = new TextEncoder();

/** A text of at most `max` bytes in UTF-8. */
export function text(max: number): Field<string> {
  return field(
    `tstr .size (0..${max})`,
    headBytes(max) + max,
    `a text of at most ${max} bytes`,
    (value): value is string =>
      typeof value === "string" && (value.length * 3 <= max || utf8.encode(value).length <= max),
  );
}

/** Any value of the subset; another layer defines its meaning. */
export const any: Field<CborValue> = {
  cddl: "any-value",
  maxBytes: Number.POSITIVE_INFINITY,
  encode: (value) => value,
  decode: (value) => value,
};

/** 0 or 1. */
export const flag: Field<boolean> = {
  cddl: "0..1",
  maxBytes: 1,
  encode: (value) => (value ? 1 : 0),
  decode(value, where) {
    if (value !== 0 && value !== 1) throw refuse(where, "0 or 1", value);
    return value === 1;
  },
};

/** `null` for an unknown value; undefined in TypeScript. */
export function unknownAsNull<T>(inner: Field<T>): Field<T | undefined> & { optional: true } {
  return {
    cddl: `${inner.cddl} / null`,
    maxBytes: inner.maxBytes,
    optional: true,
    encode: (value, where) => (value === undefined ? null : inner.encode(value, where)),
    decode: (value, where, tally) => (value === null ? undefined : inner.decode(value, where, tally)),
  };
}

/** `null` stays null. */
export function nullable<T>(inner: Field<T>): Field<T | null> {
  return {
    cddl: `${inner.cddl} / null`,
    maxBytes: inner.maxBytes,
    encode: (value, where) => (value === null ? null : inner.encode(value, where)),
    decode: (value, where, tally) => (value === null ? null : inner.decode(value, where, tally)),
  };
}

/** The field may be absent at the end. */
export function optional<T>(inner: Field<T>): Field<T | undefined> & { optional: true } {
  return {
    cddl: inner.cddl,
    maxBytes: inner.maxBytes,
    optional: true,
    encode: (value, where) => inner.encode(value as T, where),
    decode: (value, where, tally) => inner.decode(value, where, tally),
  };
}

/** An array of `min` to any number of elements. */
export function list<T>(inner: Field<T>, min = 0, max = Number.POSITIVE_INFINITY): Field<readonly T[]> {
  return {
    cddl: `[${min === 0 ? "*" : min === 1 ? "+" : `${min}*`} ${inner.cddl}]`,
    maxBytes: max * inner.maxBytes + headBytes(Math.min(max, 1024)),
    encode(values, where) {
      if (values.length < min || values.length > max) throw refuse(where, `${min} or more elements`, values);
      return values.map((value, index) => inner.encode(value, `${where}[${index}]`));
    },
    decode(value, where, tally) {
      if (!Array.isArray(value) || value.length < min || value.length > max) {
        throw refuse(where, `an array of ${min} or more`, value);
      }
      return (value as CborValue[]).map((element, index) =>
        inner.decode(element, `${where}[${index}]`, tally),
      );
    },
  };
}

export type Fields = Readonly<Record<string, Field<unknown>>>;
type OptionalNames<F> = { [K in keyof F]: F[K] extends { optional: true } ? K : never }[keyof F];

/** The TypeScript shape of a set of fields; optional ones may be absent. */
export type ShapeOf<F> = { readonly [K in Exclude<keyof F, OptionalNames<F>>]: FieldType<F[K]> } & {
  readonly [K in OptionalNames<F>]?: Exclude<FieldType<F[K]>, undefined>;
};

const entries = new WeakMap<Fields, readonly [string, Field<unknown>][]>();

/** Fields are tables that stand for good: their entries are taken once, not for each message. */
function each(fields: Fields): readonly [string, Field<unknown>][] {
  let known = entries.get(fields);
  if (!known) {
    known = Object.entries(fields);
    entries.set(fields, known);
  }
  return known;
}

/** Encodes values in the order of the fields. Absent optional ones are left out at the end, and null in between. */
export function encodePositional<F extends Fields>(fields: F, shape: ShapeOf<F>, where: string): CborValue[] {
  const values: CborValue[] = [];
  let wanted = 0;
  for (const [name, definition] of each(fields)) {
    const value = (shape as Record<string, unknown>)[name];
    if (value === undefined) {
      if (!definition.optional) throw new MessageError("MESSAGE_MISSING", `${where}: ${name} is missing`);
      values.push(null);
    } else {
      values.push(definition.encode(value, `${where}.${name}`));
      wanted = values.length;
    }
  }
  return values.slice(0, wanted);
}

/** @returns the shape, and how many elements beyond the fields were skipped, including nested ones */
export function decodePositional<F extends Fields>(
  fields: F,
  values: readonly CborValue[],
  where: string,
): { shape: ShapeOf<F>; skipped: number } {
  const shape: Record<string, unknown> = {};
  const tally: Tally = { skipped: 0 };
  let index = 0;
  for (const [name, definition] of each(fields)) {
    const value = values[index++];
    if (value === undefined) {
      if (!definition.optional) throw new MessageError("MESSAGE_MISSING", `${where}: ${name} is missing`);
      continue;
    }
    const decoded = definition.decode(value, `${where}.${name}`, tally);
    if (decoded !== undefined) shape[name] = decoded;
  }
  return { shape: shape as ShapeOf<F>, skipped: tally.skipped + Math.max(0, values.length - index) };
}

export type KeyedFields = Readonly<Record<string, { readonly key: number; readonly field: Field<unknown> }>>;

/** The TypeScript shape of a keyed map: every key may be absent. */
export type KeyedShapeOf<F extends KeyedFields> = { readonly [K in keyof F]?: FieldType<F[K]["field"]> };

function eachKeyed(fields: KeyedFields): [string, number, Field<unknown>][] {
  return Object.entries(fields).map(([name, { key, field }]) => [
    name,
    key,
    field as unknown as Field<unknown>,
  ]);
}

/** A map with the keys of the present values. */
export function encodeKeyed<F extends KeyedFields>(
  fields: F,
  shape: KeyedShapeOf<F>,
  where: string,
): ReadonlyMap<number, CborValue> {
  const map = new Map<number, CborValue>();
  for (const [name, key, definition] of eachKeyed(fields)) {
    const value = (shape as Record<string, unknown>)[name];
    if (value !== undefined) map.set(key, definition.encode(value, `${where}.${name}`));
  }
  return map;
}

/** @returns the shape, and the number of skipped items: unknown keys, and unknown elements nested in known keys */
export function decodeKeyed<F extends KeyedFields>(
  fields: F,
  value: CborValue,
  where: string,
): { shape: KeyedShapeOf<F>; skipped: number } {
  if (!(value instanceof Map)) throw refuse(where, "a map", value);
  const shape: Record<string, unknown> = {};
  const tally: Tally = { skipped: 0 };
  let known = 0;
  for (const [name, key, definition] of eachKeyed(fields)) {
    const entry = value.get(key) as CborValue | undefined;
    if (entry === undefined) continue;
    known++;
    shape[name] = definition.decode(entry, `${where}.${name}`, tally);
  }
  return { shape: shape as KeyedShapeOf<F>, skipped: tally.skipped + value.size - known };
}

/** Positional fields as one nested array, e.g. `[s, ms]`. */
export function tuple<F extends Fields>(fields: F): Field<ShapeOf<F>> {
  const parts = each(fields);
  return {
    cddl: `[${parts.map(([name, definition]) => `${definition.optional ? "? " : ""}${name}: ${definition.cddl}, `).join("")}* any-value]`,
    maxBytes: parts.reduce((sum, [, definition]) => sum + definition.maxBytes, headBytes(parts.length)),
    encode: (shape, where) => encodePositional(fields, shape, where),
    decode(value, where, tally) {
      if (!Array.isArray(value)) throw refuse(where, "an array", value);
      const { shape, skipped } = decodePositional(fields, value as CborValue[], where);
      tally.skipped += skipped;
      return shape;
    },
  };
}

/** Keyed fields as one nested map. */
export function keyed<F extends KeyedFields>(fields: F): Field<KeyedShapeOf<F>> {
  const parts = eachKeyed(fields);
  return {
    cddl: `{ ${parts.map(([, key, definition]) => `? ${key} => ${definition.cddl}, `).join("")}* uint => any-value }`,
    maxBytes: parts.reduce(
      (sum, [, key, definition]) => sum + headBytes(key) + definition.maxBytes,
      headBytes(parts.length),
    ),
    encode: (shape, where) => encodeKeyed(fields, shape, where),
    decode(value, where, tally) {
      const { shape, skipped } = decodeKeyed(fields, value, where);
      tally.skipped += skipped;
      return shape;
    },
  };
}

/** `[a, b]`: environments and labels are arrays of these. */
export function pair<A, B>(first: Field<A>, second: Field<B>): Field<readonly [A, B]> {
  return {
    cddl: `[${first.cddl}, ${second.cddl}, * any-value]`,
    maxBytes: 1 + first.maxBytes + second.maxBytes,
    encode: ([a, b], where) => [first.encode(a, `${where}[0]`), second.encode(b, `${where}[1]`)],
    decode(value, where, tally) {
      if (!Array.isArray(value) || value.length < 2) throw refuse(where, "a pair", value);
      tally.skipped += value.length - 2;
      return [
        first.decode(value[0] as CborValue, `${where}[0]`, tally),
        second.decode(value[1] as CborValue, `${where}[1]`, tally),
      ];
    },
  };
}
