import { type CborValue, decodeCbor, encodeCbor } from "./cbor.ts";
import {
  any,
  byteString,
  decodeKeyed,
  decodePositional,
  encodeKeyed,
  encodePositional,
  type Field,
  type Fields,
  flag,
  i8,
  integer,
  type KeyedFields,
  type KeyedShapeOf,
  MessageError,
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

/** The version of the profile that this code speaks; hello carries it. */
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

/** Why a device began to run, as hello says it (SPEC §3.3). */
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
  /** A map that follows the fields; `required` where it is always there. */
  readonly keyed?: { readonly fields: KeyedFields; readonly required: boolean };
  /** All further elements, kept as they are. */
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

/** What a report says (SPEC §3.2, §5.6). */
export type ReportBody =
  | { readonly type: "gap"; readonly count: number }
  | { readonly type: "log"; readonly token: number; readonly args: readonly CborValue[] }
  | { readonly type: "text"; readonly level: number; readonly text: string }
  | { readonly type: "property"; readonly key: number; readonly value: CborValue }
  | { readonly type: "event"; readonly code: number; readonly args: readonly CborValue[] }
  | { readonly type: "unknown"; readonly number: number; readonly body: readonly CborValue[] };

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

const gapFields = { count: integer(1, 0x7fff) };
const logFields = { token: u16 };
const textFields = { level: integer(0, 3), text: text(limits.messageBytes) };
const propertyFields = { key: u16, value: any };
const eventFields = { code: u16 };

/** The types of report: number, fields, and whether further elements are arguments. */
export const reportTypes = {
  gap: { number: 0, fields: gapFields, args: false },
  log: { number: 1, fields: logFields, args: true },
  text: { number: 2, fields: textFields, args: false },
  property: { number: 3, fields: propertyFields, args: false },
  event: { number: 4, fields: eventFields, args: true },
} as const;
const reportTypeNames = Object.keys(reportTypes) as (keyof typeof reportTypes)[];

/** `[type, body…]` of a report, as it stands in report messages and in log-read's result. */
export function encodeReportBody(body: ReportBody, where: string): CborValue[] {
  switch (body.type) {
    case "unknown":
      return [body.number, ...body.body];
    case "gap":
      return [0, ...encodePositional(gapFields, body, where)];
    case "log":
      return [1, ...encodePositional(logFields, body, where), ...body.args];
    case "text":
      return [2, ...encodePositional(textFields, body, where)];
    case "property":
      return [3, ...encodePositional(propertyFields, body, where)];
    case "event":
      return [4, ...encodePositional(eventFields, body, where), ...body.args];
  }
}

/** Reads `[type, body…]`. */
export function decodeReportBody(
  number: number,
  values: readonly CborValue[],
  where: string,
): { body: ReportBody; skipped: number } {
  const type = reportTypeNames[number];
  if (type === undefined) return { body: { type: "unknown", number, body: values }, skipped: 0 };
  const row = reportTypes[type];
  const { shape, skipped } = decodePositional(row.fields as Fields, values, `${where}.${type}`);
  const args = row.args ? { args: values.slice(1) } : {};
  return { body: { type, ...(shape as object), ...args } as ReportBody, skipped: row.args ? 0 : skipped };
}

const kindNames = Object.keys(messageKinds) as MessageKind[];

/**
 * Encodes a message (SPEC §3).
 * @throws MessageError naming the field, CborError for arguments outside the subset
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.kind === "unknown")
    throw new MessageError("MESSAGE_ENVELOPE", `cannot encode unknown kind ${message.number}`);
  return encodeCbor([messageKinds[message.kind].number, ...encodeElements(message)]);
}

function encodeElements(message: Exclude<Message, UnknownMessage>): readonly CborValue[] {
  switch (message.kind) {
    case "hello":
      return [...encodePositional(helloFields, message, "hello"), encodeKeyed(helloKeys, message, "hello")];
    case "welcome": {
      const keys = encodeKeyed(welcomeKeys, message, "welcome");
      const elements = encodePositional(welcomeFields, message, "welcome");
      return keys.size > 0 ? [...elements, keys] : elements;
    }
    case "request":
      return [...encodePositional(requestFields, message, "request"), ...message.args];
    case "response":
      return [...encodePositional(responseFields, message, "response"), ...message.result];
    case "report": {
      const [type, ...body] = encodeReportBody(message.body, "report");
      return [
        u16.encode(message.seq, "report.seq"),
        nullable(u32).encode(message.ageMs, "report.ageMs"),
        type as CborValue,
        ...body,
      ];
    }
    case "beat": {
      const elements = encodePositional(beatFields, message, "beat");
      return message.ext === undefined ? elements : [...elements, message.ext];
    }
    case "bye":
      return encodePositional(byeFields, message, "bye");
    case "ack":
      return encodePositional(ackFields, message, "ack");
    case "data":
      return encodePositional(dataFields, message, "data");
    case "credit":
      return encodePositional(creditFields, message, "credit");
    case "proof":
      return encodePositional(proofFields, message, "proof");
  }
}

/** A decoded message and how many unknown elements and keys were skipped in it. */
export interface DecodedMessage {
  readonly message: Message;
  readonly skipped: number;
}

/**
 * Decodes a message of at most `limit` bytes (SPEC §3.1).
 * @throws CborError, MessageError
 */
export function decodeMessage(bytes: Uint8Array, limit: number = limits.messageBytes): DecodedMessage {
  if (bytes.length > limit) {
    throw new MessageError("MESSAGE_TOO_LONG", `a message of ${bytes.length} bytes: at most ${limit}`);
  }
  const item = decodeCbor(bytes);
  if (!Array.isArray(item))
    throw new MessageError("MESSAGE_ENVELOPE", "expected an array that begins with a kind");
  const [number, ...elements] = item as CborValue[];
  if (typeof number !== "number" || number < 0) {
    throw new MessageError("MESSAGE_ENVELOPE", "expected an unsigned integer as the message's kind");
  }
  const kind = kindNames[number];
  if (kind === undefined) return { message: { kind: "unknown", number }, skipped: 1 };
  return decodeElements(kind, elements);
}

function decodeElements(kind: MessageKind, elements: readonly CborValue[]): DecodedMessage {
  switch (kind) {
    case "hello":
      return decodeWithKeys(kind, helloFields, helloKeys, elements, true);
    case "welcome":
      return decodeWithKeys(kind, welcomeFields, welcomeKeys, elements, false);
    case "request":
      return decodeWithRest(kind, requestFields, "args", elements);
    case "response":
      return decodeWithRest(kind, responseFields, "result", elements);
    case "beat":
      return decodeBeat(elements);
    case "report": {
      const { shape } = decodePositional(reportFields, elements.slice(0, 3), kind);
      const { body, skipped } = decodeReportBody(shape.type, elements.slice(3), kind);
      return { message: { kind, seq: shape.seq, ageMs: shape.ageMs, body }, skipped };
    }
    default: {
      const { shape, skipped } = decodePositional(messageKinds[kind].fields as Fields, elements, kind);
      return { message: { kind, ...(shape as object) } as Message, skipped };
    }
  }
}

function decodeWithKeys(
  kind: "hello" | "welcome",
  fields: Fields,
  keys: KeyedFields,
  elements: readonly CborValue[],
  required: boolean,
): DecodedMessage {
  const count = Object.keys(fields).length;
  const positional = decodePositional(fields, elements.slice(0, count), kind);
  const map = elements[count];
  if (map === undefined && required) throw new MessageError("MESSAGE_MISSING", `${kind}: its map is missing`);
  const keyed = map === undefined ? { shape: {}, skipped: 0 } : decodeKeyed(keys, map, kind);
  const extra = Math.max(0, elements.length - count - 1);
  return {
    message: { kind, ...positional.shape, ...keyed.shape } as unknown as Message,
    skipped: positional.skipped + keyed.skipped + extra,
  };
}

function decodeWithRest(
  kind: "request" | "response",
  fields: Fields,
  rest: string,
  elements: readonly CborValue[],
): DecodedMessage {
  const count = Object.keys(fields).length;
  const { shape } = decodePositional(fields, elements.slice(0, count), kind);
  return { message: { kind, ...shape, [rest]: elements.slice(count) } as unknown as Message, skipped: 0 };
}

/** A beat's map may follow any number of positions: trailing unknowns are left out before it. */
function decodeBeat(elements: readonly CborValue[]): DecodedMessage {
  const mapAt = elements.findIndex((element) => element instanceof Map);
  const positions = mapAt < 0 ? elements : elements.slice(0, mapAt);
  const { shape, skipped } = decodePositional(beatFields, positions, "beat");
  if (mapAt < 0) return { message: { kind: "beat", ...shape }, skipped };
  const ext = elements[mapAt] as ReadonlyMap<number, CborValue>;
  return { message: { kind: "beat", ...shape, ext }, skipped: skipped + elements.length - mapAt - 1 };
}
