import type { RemoteStream } from "../remote-stream.ts";

/** A stream of a forwarded connection. */
export interface ForwardStream extends RemoteStream {
  /** Resolves when the client has reset the stream or disconnected. */
  readonly lost: Promise<void>;
  reset(): void;
  /** Accepts the connection, for a client that sends nothing before that; absent if the protocol has no such message. */
  reply?(): void;
}

/** One connection that a program made to kubectl: a stream for its bytes, and one for errors. */
export interface ForwardPair {
  readonly port: number;
  readonly data: ForwardStream;
  readonly error: ForwardStream;
}
