import type { RemoteStream } from "../remote-stream.ts";

/** A stream of a forwarded connection. */
export interface ForwardStream extends RemoteStream {
  /** Resolves when the client has reset it or is gone. */
  readonly lost: Promise<void>;
  reset(): void;
  /** Says yes to a client that sends nothing before; absent where the carrier has no word for it. */
  reply?(): void;
}

/** One connection that somebody made to kubectl: its bytes, and where to say what went wrong. */
export interface ForwardPair {
  readonly port: number;
  readonly data: ForwardStream;
  readonly error: ForwardStream;
}
