/** Transmission parameters (RFC 7252 §4.8); times in milliseconds. */
export interface TransmissionParameters {
  readonly ackTimeoutMs: number;
  readonly ackRandomFactor: number;
  readonly maxRetransmit: number;
  /** Confirmable messages to one peer that are not acknowledged yet. */
  readonly nstart: number;
  /** How long a message id of a confirmable message must not be used again, and is recognised as a duplicate. */
  readonly exchangeLifetimeMs: number;
  /** The same for a non-confirmable message. */
  readonly nonLifetimeMs: number;
  /** Time to produce a response before the request is acknowledged by an empty message (RFC 7252 §5.2.2). */
  readonly separateAfterMs: number;
}

export const defaultParameters: TransmissionParameters = {
  ackTimeoutMs: 2_000,
  ackRandomFactor: 1.5,
  maxRetransmit: 4,
  nstart: 1,
  exchangeLifetimeMs: 247_000,
  nonLifetimeMs: 145_000,
  separateAfterMs: 500,
};

/** @param random 0 ≤ random < 1 @returns time until the first retransmission (RFC 7252 §4.2) */
export function firstTimeoutMs(parameters: TransmissionParameters, random: number): number {
  return parameters.ackTimeoutMs * (1 + (parameters.ackRandomFactor - 1) * random);
}
