/** Events of a line for its owner; calls must not throw. */
export interface LineEvents {
  /** Received bytes; valid during the call. */
  data(bytes: Uint8Array): void;
  /** The line is closed; no event follows. */
  closed(reason: string): void;
}

/** An open serial line: an ordered byte stream in both directions, without message boundaries. */
export interface Line {
  /** Bytes that were written and are still in this process. */
  readonly bufferedBytes: number;
  /** Starts to read; bytes that arrived before are not lost. Call it once. */
  listen(events: LineEvents): void;
  /** Queues bytes; the owner bounds the queue by `bufferedBytes`. */
  write(bytes: Uint8Array): void;
  /** Sends queued bytes for a short time, then closes. `closed` follows. */
  close(): void;
}
