/** One duplex stream of a connection that carries several, over any protocol. */
export interface RemoteStream {
  /** The client's bytes until it ends its half; throws UnavailableError if the client disconnects before that. */
  input(): AsyncIterable<Uint8Array>;
  discardInput(): void;
  /** Resolves when the connection can take more; throws UnavailableError if it is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the gateway's half. */
  end(): void;
}
