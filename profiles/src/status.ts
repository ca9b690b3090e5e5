/** The canonical status codes (gRPC, Abseil), in responses to requests and at the end of streams (SPEC §7). */
export const Status = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;
export type StatusName = keyof typeof Status;
export type Status = (typeof Status)[StatusName];

/** The equivalents of a status in CoAP (RFC 7252 §12.1.2), HTTP, Kubernetes, and a shell. */
export interface StatusRow {
  readonly code: Status;
  readonly name: StatusName;
  readonly coap: string;
  readonly http: number;
  readonly reason: string;
  /** Exit code of a command that failed with this status (from sysexits.h if there is an equivalent). */
  readonly exitCode: number;
}

const row = (name: StatusName, coap: string, http: number, reason: string, exitCode: number): StatusRow => ({
  code: Status[name],
  name,
  coap,
  http,
  reason,
  exitCode,
});

/** Indexed by code. */
export const statusTable: readonly StatusRow[] = [
  row("OK", "2.04", 200, "Success", 0),
  row("CANCELLED", "5.03", 499, "InternalError", 130),
  row("UNKNOWN", "5.00", 500, "InternalError", 1),
  row("INVALID_ARGUMENT", "4.00", 400, "BadRequest", 64),
  row("DEADLINE_EXCEEDED", "5.04", 504, "Timeout", 124),
  row("NOT_FOUND", "4.04", 404, "NotFound", 127),
  row("ALREADY_EXISTS", "4.09", 409, "AlreadyExists", 73),
  row("PERMISSION_DENIED", "4.03", 403, "Forbidden", 77),
  row("RESOURCE_EXHAUSTED", "4.29", 429, "TooManyRequests", 75),
  row("FAILED_PRECONDITION", "4.12", 412, "Conflict", 78),
  row("ABORTED", "4.09", 409, "Conflict", 75),
  row("OUT_OF_RANGE", "4.13", 413, "RequestEntityTooLarge", 65),
  row("UNIMPLEMENTED", "5.01", 501, "MethodNotAllowed", 69),
  row("INTERNAL", "5.00", 500, "InternalError", 70),
  row("UNAVAILABLE", "5.03", 503, "ServiceUnavailable", 69),
  row("DATA_LOSS", "5.00", 500, "InternalError", 74),
  row("UNAUTHENTICATED", "4.01", 401, "Unauthorized", 77),
];

/** `NOT_FOUND` for 5; `STATUS_99` for an unknown code. */
export function statusName(code: number): string {
  return statusTable[code]?.name ?? `STATUS_${code}`;
}
