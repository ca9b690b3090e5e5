/** What every verb that opens streams is given beside what it is asked. */
export interface CallOptions {
  /** Ends what was asked for. */
  readonly signal: AbortSignal;
  /** Who asks, for those who find the device's streams in use; absent: the gateway itself. */
  readonly caller?: string;
}
