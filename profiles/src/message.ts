import type { CborValue } from "./cbor.ts";
import { decodeCbor } from "./cbor-decoder.ts";
import { encodeCbor } from "./cbor-encoder.ts";
import {
  decodeKeyed,
  decodePositional,
  encodeKeyed,
  encodePositional,
  type Fields,
  type KeyedFields,
  MessageError,
  nullable,
  u16,
  u32,
} from "./fields.ts";
import { limits } from "./limits.ts";
import { type Message, type MessageKind, messageKinds, type UnknownMessage } from "./message-kinds.ts";
import { decodeReportBody, encodeReportBody } from "./report-body.ts";

const kindNames = Object.keys(messageKinds) as MessageKind[];

/**
 * Encodes a message (SPEC §3).
 * @throws MessageError that names the field, CborError for arguments outside the subset
 */
export function encodeMessage(message: Message): Uint8Array {
  if (message.kind === "unknown")
    throw new MessageError("MESSAGE_ENVELOPE", `cannot encode unknown kind ${message.number}`);
  return encodeCbor([messageKinds[message.kind].number, ...encodeElements(message)]);
}

function encodeElements(message: Exclude<Message, UnknownMessage>): readonly CborValue[] {
  switch (message.kind) {
    case "hello":
      return [
        ...encodePositional(messageKinds.hello.fields, message, "hello"),
        encodeKeyed(messageKinds.hello.keyed.fields, message, "hello"),
      ];
    case "welcome": {
      const keys = encodeKeyed(messageKinds.welcome.keyed.fields, message, "welcome");
      const elements = encodePositional(messageKinds.welcome.fields, message, "welcome");
      return keys.size > 0 ? [...elements, keys] : elements;
    }
    case "request":
      return [...encodePositional(messageKinds.request.fields, message, "request"), ...message.args];
    case "response":
      return [...encodePositional(messageKinds.response.fields, message, "response"), ...message.result];
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
      const elements = encodePositional(messageKinds.beat.fields, message, "beat");
      return message.ext === undefined ? elements : [...elements, message.ext];
    }
    case "bye":
      return encodePositional(messageKinds.bye.fields, message, "bye");
    case "ack":
      return encodePositional(messageKinds.ack.fields, message, "ack");
    case "data":
      return encodePositional(messageKinds.data.fields, message, "data");
    case "credit":
      return encodePositional(messageKinds.credit.fields, message, "credit");
    case "proof":
      return encodePositional(messageKinds.proof.fields, message, "proof");
  }
}

/** A decoded message, and how many unknown elements and keys were skipped. */
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
      return decodeWithKeys(kind, messageKinds.hello.fields, messageKinds.hello.keyed.fields, elements, true);
    case "welcome":
      return decodeWithKeys(
        kind,
        messageKinds.welcome.fields,
        messageKinds.welcome.keyed.fields,
        elements,
        false,
      );
    case "request":
      return decodeWithRest(kind, messageKinds.request.fields, "args", elements);
    case "response":
      return decodeWithRest(kind, messageKinds.response.fields, "result", elements);
    case "beat":
      return decodeBeat(elements);
    case "report": {
      const { shape } = decodePositional(messageKinds.report.fields, elements.slice(0, 3), kind);
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
  const { shape, skipped } = decodePositional(messageKinds.beat.fields, positions, "beat");
  if (mapAt < 0) return { message: { kind: "beat", ...shape }, skipped };
  const ext = elements[mapAt] as ReadonlyMap<number, CborValue>;
  return { message: { kind: "beat", ...shape, ext }, skipped: skipped + elements.length - mapAt - 1 };
}
