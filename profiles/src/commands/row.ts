import type { CapabilityName } from "../capability.ts";
import type { CborValue } from "../cbor.ts";
import {
  decodePositional,
  encodePositional,
  type Fields,
  integer,
  type ShapeOf,
  tuple,
  u32,
} from "../fields.ts";
import { limits } from "../limits.ts";

/**
 * The effect of a request (SPEC §5.5). `none`: nothing changes; `idempotent`: doing it twice has the same effect as
 * once; `once`: it must not be repeated, so the device records it.
 */
export type Effect = "none" | "idempotent" | "at-most-once";

/** A row of the command table (SPEC §6): the single definition of a command for both languages and the docs. */
export interface CommandRow<Args, Result> {
  readonly op: number;
  /** Its name in the SPEC, e.g. `exec-control`. */
  readonly name: string;
  readonly summary: string;
  readonly effect: Effect;
  /** When the gateway gives up repeating the request. */
  readonly deadlineMs: number;
  /** Absent: every device has it. */
  readonly capability?: CapabilityName;
  readonly requestFields: Fields;
  readonly responseFields: Fields;
  encodeRequest(args: Args): CborValue[];
  /** @throws MessageError: the device answers INVALID_ARGUMENT */
  decodeRequest(values: readonly CborValue[]): Args;
  encodeResult(result: Result): CborValue[];
  decodeResult(values: readonly CborValue[]): Result;
}

type Definition<Q extends Fields, S extends Fields> = {
  op: number;
  name: string;
  summary: string;
  effect: Effect;
  deadlineMs?: number;
  capability?: CapabilityName;
  request: Q;
  response: S;
  /**
   * A rule that the fields must fulfil together.
   * @throws MessageError
   */
  check?: (args: ShapeOf<Q>) => void;
};

const defaultDeadlineMs = 10_000;

/** A row from its fields. */
export function command<Q extends Fields, S extends Fields>(
  definition: Definition<Q, S>,
): CommandRow<ShapeOf<Q>, ShapeOf<S>> {
  const { request, response, capability, check, deadlineMs = defaultDeadlineMs, ...row } = definition;
  return {
    ...row,
    deadlineMs,
    ...(capability === undefined ? {} : { capability }),
    requestFields: request,
    responseFields: response,
    encodeRequest(args) {
      check?.(args);
      return encodePositional(request, args, row.name);
    },
    decodeRequest(values) {
      const { shape } = decodePositional(request, values, row.name);
      check?.(shape);
      return shape;
    },
    encodeResult: (result) => encodePositional(response, result, `${row.name} result`),
    decodeResult: (values) => decodePositional(response, values, `${row.name} result`).shape,
  };
}

/** The id of a stream, chosen by the gateway (SPEC §5.7). */
export const stream = integer(1, limits.streamId, "stream");
/** 0 if there is no such stream. */
export const streamOrNone = integer(0, limits.streamId, "stream / 0");
/** A point in time, or a duration. */
export const seconds = tuple({ s: u32, ms: integer(0, 999) });
export const nothing = {};
