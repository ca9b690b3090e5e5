/** One direction pair of a connection that carries several, whatever the connection is. */
export interface RemoteStream {
  /** The client's bytes until it ends its half; throws UnavailableError if the client is lost before that. */
  input(): AsyncIterable<Uint8Array>;
  discardInput(): void;
  /** Resolves when the carrier has room again; throws UnavailableError if it is gone. */
  write(bytes: Uint8Array): Promise<void>;
  /** Our half ends. */
  end(): void;
}
