import type { CborValue } from "./cbor.ts";
import {
  byteString,
  decodePositional,
  type Field,
  type Fields,
  flag,
  i8,
  integer,
  type KeyedFields,
  type KeyedShapeOf,
  nullable,
  optional,
  type ShapeOf,
  text,
  tuple,
  u8,
  u16,
  u32,
  unknownAsNull,
} from "./fields.ts";
import { limits } from "./limits.ts";
import type { ReportBody } from "./report-body.ts";

/** The version of the profile that this code implements; hello contains it. */
export const profileVersion = 0;

export const ByeReason = {
  closing: 0,
  noSession: 1,
  refused: 2,
  sleeping: 3,
  superseded: 4,
  busy: 5,
} as const;
export type ByeReason = (typeof ByeReason)[keyof typeof ByeReason];

export const LogLevel = { debug: 0, info: 1, warn: 2, error: 3 } as const;

/** Why a device booted, in hello (SPEC §3.3). */
export const ResetCause = {
  unknown: 0,
  powerOn: 1,
  pin: 2,
  software: 3,
  watchdog: 4,
  brownOut: 5,
  panic: 6,
  wakeFromSleep: 7,
} as const;

/** Each cause of a reset in words, by its number: "power on". */
export const resetCauseNames: readonly string[] = Object.keys(ResetCause).map((name) =>
  name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
);

const statusCode = integer(0, 16, "status");
const streamId = integer(1, limits.streamId, "stream");

/** How a stream's direction ended: `status`, or `[status, exitCode]` of a command. */
export interface StreamEnd {
  readonly status: number;
  readonly exitCode?: number;
}

const streamEnd: Field<StreamEnd> = {
  cddl: "status / [status, u8, * any-value]",
  maxBytes: 4,
  encode(end, where) {
    const status = statusCode.encode(end.status, where);
    return end.exitCode === undefined ? status : [status, u8.encode(end.exitCode, where)];
  },
  decode(value, where, tally) {
    if (!Array.isArray(value)) return { status: statusCode.decode(value, where, tally) };
    const fields = { status: statusCode, exitCode: u8 };
    const { shape, skipped } = decodePositional(fields, value as CborValue[], where);
    tally.skipped += skipped;
    return shape;
  },
};

/** Positions in a device's ring of reports (SPEC §5.6). */
export interface RingPositions {
  readonly epoch: number;
  readonly nextSeq: number;
  readonly oldestSeq: number;
}

/** How one kind of message is laid out: positional elements, then (for some) one map. */
interface KindRow {
  readonly number: number;
  readonly direction: "D>G" | "G>D" | "any";
  readonly fields: Fields;
  /** A map after the fields; `required` if it is always present. */
  readonly keyed?: { readonly fields: KeyedFields; readonly required: boolean };
  /** All further elements, unchanged. */
  readonly rest?: "args" | "result" | "body";
}

const helloKeys = {
  caps: { key: 1, field: u32 },
  maxMessageBytes: { key: 2, field: integer(limits.minMessageBytes, 0xffff) },
  rxWindowBytes: { key: 3, field: integer(0, limits.windowBytes) },
  hardwareId: { key: 4, field: byteString(1, limits.hardwareIdBytes) },
  board: { key: 5, field: text(limits.boardBytes) },
  firmware: { key: 6, field: text(limits.firmwareBytes) },
  buildId: { key: 7, field: byteString(8, 8) },
  ring: { key: 8, field: tuple({ epoch: u32, nextSeq: u16, oldestSeq: u16 }) },
  resetCause: { key: 9, field: integer(0, 23) },
  uptimeS: { key: 10, field: u32 },
  nonce: { key: 11, field: byteString(8, 8) },
  streams: { key: 12, field: integer(1, limits.streamId) },
};

const welcomeKeys = {
  nonce: { key: 1, field: byteString(8, 8) },
  mac: { key: 2, field: byteString(8, 8) },
};

const helloFields = { version: integer(0, 23), boot: u32, attempt: u8, sid: u32 };
const welcomeFields = {
  attempt: u8,
  sid: u32,
  streamsKept: flag,
  time: tuple({ s: u32, ms: integer(0, 999) }),
  heartbeatS: integer(1, 0xffff),
  rtoMs: integer(1, 0xffff),
  reportWindow: integer(1, 0xff),
  storedSeq: u16,
};
const requestFields = { id: u16, op: u8 };
const responseFields = { id: u16, status: statusCode };
const byeFields = { reason: integer(0, 23), seconds: optional(u32) };
const beatFields = {
  uptimeS: unknownAsNull(u32),
  heapFree64: unknownAsNull(u16),
  rssiDbm: unknownAsNull(i8),
  batteryPercent: unknownAsNull(integer(0, 100)),
  temperatureC: unknownAsNull(i8),
  cpuPercent: unknownAsNull(integer(0, 100)),
};
const reportFields = { seq: u16, ageMs: nullable(u32), type: u8 };
const ackFields = { storedSeq: u16 };
const dataFields = {
  stream: streamId,
  offset: u16,
  bytes: byteString(0, limits.messageBytes),
  end: optional(streamEnd),
};
const creditFields = {
  stream: streamId,
  next: u16,
  window: integer(0, limits.windowBytes),
  status: optional(statusCode),
};
const proofFields = { mac: byteString(8, 8) };

/** The table of kinds (SPEC §3.2); everything else about messages is derived from it. */
export const messageKinds = {
  hello: { number: 0, direction: "D>G", fields: helloFields, keyed: { fields: helloKeys, required: true } },
  welcome: {
    number: 1,
    direction: "G>D",
    fields: welcomeFields,
    keyed: { fields: welcomeKeys, required: false },
  },
  request: { number: 2, direction: "G>D", fields: requestFields, rest: "args" },
  response: { number: 3, direction: "D>G", fields: responseFields, rest: "result" },
  bye: { number: 4, direction: "any", fields: byeFields },
  beat: { number: 5, direction: "D>G", fields: beatFields },
  report: { number: 6, direction: "D>G", fields: reportFields, rest: "body" },
  ack: { number: 7, direction: "G>D", fields: ackFields },
  data: { number: 8, direction: "any", fields: dataFields },
  credit: { number: 9, direction: "any", fields: creditFields },
  proof: { number: 10, direction: "D>G", fields: proofFields },
} as const satisfies Record<string, KindRow>;

export type MessageKind = keyof typeof messageKinds;

export type HelloMessage = { readonly kind: "hello" } & ShapeOf<typeof helloFields> &
  KeyedShapeOf<typeof helloKeys>;
export type WelcomeMessage = { readonly kind: "welcome" } & ShapeOf<typeof welcomeFields> &
  KeyedShapeOf<typeof welcomeKeys>;
export type RequestMessage = { readonly kind: "request"; readonly args: readonly CborValue[] } & ShapeOf<
  typeof requestFields
>;
export type ResponseMessage = { readonly kind: "response"; readonly result: readonly CborValue[] } & ShapeOf<
  typeof responseFields
>;
export type ByeMessage = { readonly kind: "bye" } & ShapeOf<typeof byeFields>;
export type BeatMessage = { readonly kind: "beat"; readonly ext?: ReadonlyMap<number, CborValue> } & ShapeOf<
  typeof beatFields
>;
export type ReportMessage = {
  readonly kind: "report";
  readonly seq: number;
  readonly ageMs: number | null;
  readonly body: ReportBody;
};
export type AckMessage = { readonly kind: "ack" } & ShapeOf<typeof ackFields>;
export type DataMessage = { readonly kind: "data" } & ShapeOf<typeof dataFields>;
export type CreditMessage = { readonly kind: "credit" } & ShapeOf<typeof creditFields>;
export type ProofMessage = { readonly kind: "proof" } & ShapeOf<typeof proofFields>;
/** A kind that this version does not know: to be counted. */
export type UnknownMessage = { readonly kind: "unknown"; readonly number: number };

export type Message =
  | HelloMessage
  | WelcomeMessage
  | RequestMessage
  | ResponseMessage
  | ByeMessage
  | BeatMessage
  | ReportMessage
  | AckMessage
  | DataMessage
  | CreditMessage
  | ProofMessage
  | UnknownMessage;
