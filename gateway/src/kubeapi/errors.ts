import { MoteletError } from "../foundation/errors.ts";
import type { KubeStatus } from "./objects.ts";

/** The API server answered with a Status. `code` is its reason (NotFound, Conflict, Forbidden …). */
export class KubeApiError extends MoteletError {
  /** HTTP status. */
  readonly status: number;

  constructor(httpStatus: number, answer: KubeStatus, subject: string) {
    const reason = answer.reason || reasonOf(httpStatus);
    super(reason, `${subject}: ${answer.message || `HTTP ${httpStatus}`}`, { status: httpStatus });
    this.status = httpStatus;
  }
}

/** The reason where a proxy answered without a Status. */
function reasonOf(httpStatus: number): string {
  const reasons: Record<number, string> = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    422: "Invalid",
    429: "TooManyRequests",
  };
  return reasons[httpStatus] ?? `Http${httpStatus}`;
}

function hasReason(error: unknown, ...reasons: readonly string[]): boolean {
  return error instanceof KubeApiError && reasons.includes(error.code);
}

export function isNotFound(error: unknown): boolean {
  return hasReason(error, "NotFound");
}

/** The name is taken (a create). */
export function isAlreadyExists(error: unknown): boolean {
  return hasReason(error, "AlreadyExists");
}

/** The resourceVersion or a precondition no longer holds. */
export function isConflict(error: unknown): boolean {
  return hasReason(error, "Conflict");
}

/** RBAC or an admission policy says no. */
export function isForbidden(error: unknown): boolean {
  return hasReason(error, "Forbidden");
}

/** The object will not be had as it is, however often it is sent: schema, quota, admission, or a right. */
export function isRefused(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && [400, 403, 413, 422].includes(error.status);
}

/** The resourceVersion is too old to watch from or to continue a list at. */
export function isGone(error: unknown): boolean {
  return hasReason(error, "Expired", "Gone");
}

/** Waits for a deletion; an object that is gone already, or replaced by another of its name, is as good. */
export async function ignoreGone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
