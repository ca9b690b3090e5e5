/**
 * The base of all errors of the gateway. The class says what the caller can do, `code` what happened; the message names
 * the subject, what was expected and what was found; `cause` is kept.
 */
export abstract class MoteletError extends Error {
  readonly code: string;
  /** Fields for the log line: device, peer, limit … never a secret. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, details: Record<string, unknown> & { cause?: unknown } = {}) {
    const { cause, ...fields } = details;
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.details = fields;
  }
}

/** The request is impossible: correct it, do not repeat it. */
export class RequestError extends MoteletError {}

/** The caller is not authenticated, or may not do what it requested. */
export class AccessError extends MoteletError {}

/** The request is valid, but it cannot be done now: try again later. */
export class UnavailableError extends MoteletError {}

/** The peer broke the protocol: the exchange or the connection ends, the gateway continues. */
export class ProtocolError extends MoteletError {}

/** The configuration cannot be used: a person must change it before the gateway can start. */
export class ConfigError extends MoteletError {}

/** The gateway itself failed: a bug, a full disk, a broken invariant. */
export class InternalError extends MoteletError {}

/** Text of any thrown value, for a log line or an answer. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
