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

/** An object of this name exists already (for a create). */
export function isAlreadyExists(error: unknown): boolean {
  return hasReason(error, "AlreadyExists");
}

/** The resourceVersion or a precondition is out of date. */
export function isConflict(error: unknown): boolean {
  return hasReason(error, "Conflict");
}

/** RBAC or an admission policy forbids it. */
export function isForbidden(error: unknown): boolean {
  return hasReason(error, "Forbidden");
}

/** The API server refuses the object as it is, and repeating does not help: schema, quota, admission, or a right. */
export function isRefused(error: unknown): error is KubeApiError {
  return error instanceof KubeApiError && [400, 403, 413, 422].includes(error.status);
}

/** The resourceVersion is too old to start a watch or continue a list. */
export function isGone(error: unknown): boolean {
  return hasReason(error, "Expired", "Gone");
}

/** Waits for a deletion. Succeeds also if the object is already deleted, or replaced by another of the same name. */
export async function ignoreGone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
  }
}
