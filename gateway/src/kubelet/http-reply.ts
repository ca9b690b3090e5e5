import { STATUS_CODES } from "node:http";
import { AccessError, MoteletError, RequestError, UnavailableError } from "../foundation/errors.ts";

/** A short HTTP reply. */
export interface HttpReply {
  readonly code: number;
  readonly text: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** HTTP codes of errors that say more than their class. */
const codes: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  PROTOCOL_UNSUPPORTED: 403,
  POD_NOT_FOUND: 404,
  CONTAINER_NOT_FOUND: 404,
  NODE_NOT_FOUND: 404,
  ROUTE_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  QUERY_INVALID: 422,
};

export function plainText(
  code: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): HttpReply {
  return { code, text, contentType: "text/plain; charset=utf-8", headers };
}

export function json(value: unknown): HttpReply {
  return { code: 200, text: JSON.stringify(value), contentType: "application/json" };
}

/**
 * The reply for an error. Internal errors are reported without details. An error's detail `headers` become headers of
 * the reply.
 */
export function replyOfError(error: unknown): HttpReply {
  const code = codeOfError(error);
  const text = error instanceof MoteletError && code !== 500 ? error.message : "internal error";
  return plainText(code, text, error instanceof MoteletError ? headersOf(error.details.headers) : {});
}

function headersOf(given: unknown): Record<string, string> {
  const entries = typeof given === "object" && given !== null ? Object.entries(given) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function codeOfError(error: unknown): number {
  if (!(error instanceof MoteletError)) return 500;
  const known = codes[error.code];
  if (known !== undefined) return known;
  if (error instanceof RequestError) return 400;
  if (error instanceof AccessError) return 403;
  return error instanceof UnavailableError ? 503 : 500;
}

/** A reply as bytes, for a socket that waits for an upgrade. The connection ends after it. */
export function formatRaw(answer: HttpReply): string {
  const body = Buffer.from(answer.text, "utf8");
  const headers = {
    connection: "close",
    "content-type": answer.contentType,
    "content-length": String(body.length),
    ...answer.headers,
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${answer.code} ${STATUS_CODES[answer.code] ?? ""}\r\n${lines.join("")}\r\n${answer.text}`;
}
