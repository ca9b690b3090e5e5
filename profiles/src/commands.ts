import { Capability, type CapabilityName } from "./capability.ts";
import type { CborValue } from "./cbor.ts";
import {
  decodeKeyed,
  decodePositional,
  encodeKeyed,
  encodePositional,
  type Fields,
  integer,
  type KeyedShapeOf,
  keyed,
  list,
  MessageError,
  nullable,
  optional,
  pair,
  type ShapeOf,
  text,
  u16,
  u32,
} from "./fields.ts";
import { limits } from "./limits.ts";
import { decodeReportBody, encodeReportBody, type ReportBody } from "./message.ts";

/**
 * What carrying out a request changes (SPEC §5.5). `none`: nothing; `idempotent`: the same as once when done twice;
 * `once`: must not be repeated, so the device records it.
 */
export type Effect = "none" | "idempotent" | "once";

export const ExecFlag = { stdin: 1, tty: 2 } as const;
export const ExecControl = { signal: 1, resize: 2 } as const;

/** A row of the command table (SPEC §6): everything that both languages and the docs know of a command. */
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
  deadlineMs: number;
  capability?: CapabilityName;
  request: Q;
  response: S;
  /** What the fields together must fulfil. @throws MessageError */
  check?: (args: ShapeOf<Q>) => void;
};

function command<Q extends Fields, S extends Fields>(
  definition: Definition<Q, S>,
): CommandRow<ShapeOf<Q>, ShapeOf<S>> {
  const { request, response, capability, check, ...row } = definition;
  return {
    ...row,
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

const stream = integer(1, limits.streamId, "stream");
const nothing = {};

const logReadFields = { seq: u16, ageMs: nullable(u32), type: integer(0, 0xff, "u8") };

/** The stored report that log-read found. */
export interface LogReadResult {
  readonly seq: number;
  readonly ageMs: number | null;
  readonly body: ReportBody;
}

const logRead: CommandRow<{ readonly from: number }, LogReadResult> = {
  ...command({
    op: 8,
    name: "log-read",
    summary: "the stored report at `from`, or the oldest after it",
    effect: "none",
    deadlineMs: 10_000,
    capability: "log-read",
    request: { from: u16 },
    response: logReadFields,
  }),
  encodeResult(result) {
    const [type, ...body] = encodeReportBody(result.body, "log-read result");
    return [result.seq, result.ageMs, type as CborValue, ...body];
  },
  decodeResult(values) {
    const { shape } = decodePositional(logReadFields, values.slice(0, 3), "log-read result");
    const { body } = decodeReportBody(shape.type, values.slice(3), "log-read result");
    return { seq: shape.seq, ageMs: shape.ageMs, body };
  },
};

const infoKeys = {
  arch: { key: 1, field: text(12) },
  os: { key: 2, field: text(16) },
  ramKiB: { key: 3, field: u32 },
  flashKiB: { key: 4, field: u32 },
  labels: { key: 5, field: list(pair(text(32), text(32))) },
};

const info: CommandRow<Readonly<Record<never, never>>, KeyedShapeOf<typeof infoKeys>> = {
  ...command({
    op: 3,
    name: "info",
    summary: "what the device is made of",
    effect: "none",
    deadlineMs: 10_000,
    request: nothing,
    response: { info: keyed(infoKeys) },
  }),
  encodeResult: (result) => [encodeKeyed(infoKeys, result, "info result")],
  decodeResult([map]) {
    if (map === undefined) throw new MessageError("MESSAGE_MISSING", "info result: its map is missing");
    return decodeKeyed(infoKeys, map, "info result").shape;
  },
};

export const commands = {
  ping: command({
    op: 1,
    name: "ping",
    summary: "proves life",
    effect: "none",
    deadlineMs: 10_000,
    request: nothing,
    response: nothing,
  }),
  reboot: command({
    op: 2,
    name: "reboot",
    summary: "answers, then reboots",
    effect: "once",
    deadlineMs: 10_000,
    capability: "reboot",
    request: nothing,
    response: nothing,
  }),
  info,
  time: command({
    op: 4,
    name: "time",
    summary: "the device's clock",
    effect: "none",
    deadlineMs: 10_000,
    capability: "time",
    request: nothing,
    response: { s: u32, ms: integer(0, 999) },
  }),
  exec: command({
    op: 5,
    name: "exec",
    summary: "starts a command",
    effect: "once",
    deadlineMs: 10_000,
    capability: "exec",
    request: {
      stream,
      stderrStream: integer(0, limits.streamId, "stream / 0"),
      flags: integer(0, 0xff, "u8"),
      argv: list(text(limits.messageBytes), 1),
    },
    response: nothing,
    check(args) {
      if (args.stderrStream === args.stream)
        throw new MessageError("MESSAGE_FIELD", "exec.stderrStream: expected another stream than stdout's");
    },
  }),
  execControl: command({
    op: 6,
    name: "exec-control",
    summary: "signals or resizes what runs on a stream",
    effect: "idempotent",
    deadlineMs: 10_000,
    capability: "exec",
    request: { stream, control: integer(1, 0xff), value: u16, value2: optional(u16) },
    response: nothing,
    check({ control, value }) {
      if (control === ExecControl.signal && (value < 1 || value > limits.signal)) {
        throw new MessageError(
          "MESSAGE_FIELD",
          `exec-control.value: expected a signal of 1 to ${limits.signal}, got ${value}`,
        );
      }
    },
  }),
  console: command({
    op: 7,
    name: "console",
    summary: "opens the console as a stream",
    effect: "once",
    deadlineMs: 10_000,
    capability: "console",
    request: { stream },
    response: nothing,
  }),
  logRead,
} as const;

export type CommandName = keyof typeof commands;

const byOp = new Map<number, (typeof commands)[CommandName]>(
  Object.values(commands).map((row) => [row.op, row]),
);

/** The row of an op, or undefined for one that this version does not know. */
export function commandByOp(op: number): (typeof commands)[CommandName] | undefined {
  return byOp.get(op);
}

/** Whether a device with these caps says that it has the command. */
export function hasCommand(caps: number, row: { readonly capability?: CapabilityName }): boolean {
  return row.capability === undefined || (caps & Capability[row.capability]) !== 0;
}
