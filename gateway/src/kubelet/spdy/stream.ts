import { UnavailableError } from "../../foundation/errors.ts";

/** What a stream asks of its connection. */
export interface StreamCarrier {
  /** Resolves when the socket has room again. */
  sendData(streamId: number, bytes: Uint8Array, fin: boolean): Promise<void>;
  sendReset(streamId: number, status: number): void;
  /** The stream's unread bytes went over or back under its limit. */
  crowded(stream: SpdyStream, isCrowded: boolean): void;
  /** Both halves have ended, or the stream was reset. */
  ended(stream: SpdyStream): void;
}

/** Unread bytes of one stream at which the connection stops reading its socket. */
export const maxUnreadBytes = 65_536;

/** What a queued chunk costs beside its bytes, so that a stream of 1-byte frames is bounded too. */
const chunkCostBytes = 128;

/** Data frames of ours are no longer, so that streams share the socket. */
const maxWriteBytes = 32_768;

/**
 * One stream of a SPDY connection. SPDY's windows are not used (kubelet-protocol.md §2.2): writes wait for the
 * socket, and unread input stops the connection's reading, so neither direction holds more than a constant.
 */
export class SpdyStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #carrier: StreamCarrier;
  readonly #unread: Uint8Array[] = [];
  #unreadCost = 0;
  #isCrowded = false;
  #discarding = false;
  #inputEnded = false;
  #outputEnded = false;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(id: number, headers: ReadonlyMap<string, string>, carrier: StreamCarrier) {
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
  }

  /**
   * The peer's bytes until its FIN. For one reader.
   * @throws UnavailableError where the stream is reset or the connection lost before the FIN
   */
  async *input(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#unread.shift();
      if (bytes) {
        this.#charge(-bytes.length - chunkCostBytes);
        yield bytes;
      } else if (this.#inputEnded) return;
      else if (this.#failure) throw this.#failure;
      else await this.#readable();
    }
  }

  #readable(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeReader = resolve;
    return promise;
  }

  /** From now on the peer's bytes are dropped: nobody reads them, and they must not stop the other streams. */
  discardInput(): void {
    this.#discarding = true;
    this.#unread.length = 0;
    this.#charge(-this.#unreadCost);
  }

  /**
   * @param bytes handed over: the socket may hold them after this resolves
   * @throws UnavailableError where our half has ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += maxWriteBytes) {
      if (this.#failure) throw this.#failure;
      if (this.#outputEnded) throw new UnavailableError("STREAM_CLOSED", `stream ${this.id} is closed`);
      await this.#carrier.sendData(this.id, bytes.subarray(at, at + maxWriteBytes), false);
    }
  }

  /** Sends FIN: our half ends. Does nothing the second time. */
  end(): void {
    if (this.#outputEnded || this.#failure) return;
    this.#outputEnded = true;
    void this.#carrier.sendData(this.id, new Uint8Array(0), true);
    this.#settle();
  }

  /** Ends both halves at once. */
  reset(status: number): void {
    if (this.#failure || (this.#inputEnded && this.#outputEnded)) return;
    this.#carrier.sendReset(this.id, status);
    this.fail(new UnavailableError("STREAM_RESET", `stream ${this.id} was reset`));
  }

  /** For the connection: bytes of the peer. */
  receive(bytes: Uint8Array): void {
    if (this.#discarding || this.#inputEnded || this.#failure || bytes.length === 0) return;
    this.#unread.push(bytes);
    this.#charge(bytes.length + chunkCostBytes);
    this.#wakeReader?.();
  }

  /** For the connection: the peer's FIN. */
  receiveEnd(): void {
    if (this.#inputEnded) return;
    this.#inputEnded = true;
    this.#wakeReader?.();
    this.#settle();
  }

  /** For the connection: the stream is gone. What came before stays readable. */
  fail(failure: Error): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#wakeReader?.();
    this.#carrier.ended(this);
  }

  #settle(): void {
    if (this.#inputEnded && this.#outputEnded) this.#carrier.ended(this);
  }

  #charge(cost: number): void {
    this.#unreadCost += cost;
    const isCrowded = this.#unreadCost > maxUnreadBytes;
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    this.#carrier.crowded(this, isCrowded);
  }
}
