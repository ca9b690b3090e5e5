/** Options of every verb that opens streams. */
export interface CallOptions {
  /** Aborts the call. */
  readonly signal: AbortSignal;
  /** The caller, for errors about streams in use; absent: the gateway itself. */
  readonly caller?: string;
}
