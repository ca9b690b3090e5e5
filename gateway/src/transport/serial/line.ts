/** What a line tells its owner; calls must not throw. */
export interface LineEvents {
  /** Bytes as they came; valid during the call. */
  data(bytes: Uint8Array): void;
  /** The line is gone; nothing follows. */
  closed(reason: string): void;
}

/** An open serial line: bytes both ways, in order, without bounds of messages. */
export interface Line {
  /** Bytes that were written and have not left the process. */
  readonly bufferedBytes: number;
  /** Begins to read; nothing is lost that came before. Call once. */
  listen(events: LineEvents): void;
  /** Queues bytes; the owner bounds the queue by `bufferedBytes`. */
  write(bytes: Uint8Array): void;
  /** Lets what is queued leave, for a moment only, and closes. `closed` follows. */
  close(): void;
}
