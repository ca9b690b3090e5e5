import { UnavailableError } from "../../foundation/errors.ts";
import { ReceiveBuffer } from "../receive-buffer.ts";
import type { RemoteStream } from "../remote-stream.ts";
import { resetStatus } from "./frame.ts";

/** The calls of a stream to its connection. */
export interface StreamCarrier {
  /** Accepts the stream; the peer drops bytes that were sent before. */
  sendReply(streamId: number): void;
  /** Resolves when the socket can take more. */
  sendData(streamId: number, bytes: Uint8Array, fin: boolean): Promise<void>;
  sendReset(streamId: number, status: number): void;
  /** The stream's unread bytes crossed the limit, in either direction. */
  crowded(stream: SpdyStream, isCrowded: boolean): void;
  /** Both halves have ended, or the stream was reset. */
  ended(stream: SpdyStream): void;
}

/** Data frames of ours are no longer, so that streams share the socket. */
const maxWriteBytes = 32_768;

/**
 * One stream of a SPDY connection. SPDY's windows are not used, because Go's clients ignore them (docs/adr/0014).
 * Writes wait for the socket, and unread input stops reading the connection, so that the memory of both directions is
 * bounded.
 */
export class SpdyStream implements RemoteStream {
  readonly id: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly #carrier: StreamCarrier;
  readonly #unread: ReceiveBuffer;
  #isReplied = false;
  #isReplyHeld = false;
  #outputEnded = false;
  #failure: Error | undefined;
  readonly #lost = Promise.withResolvers<void>();

  constructor(id: number, headers: ReadonlyMap<string, string>, carrier: StreamCarrier) {
    this.id = id;
    this.headers = headers;
    this.#carrier = carrier;
    this.#unread = new ReceiveBuffer((isCrowded) => carrier.crowded(this, isCrowded));
  }

  /**
   * Call it within `accept`: then only `reply` replies to the peer. Until the reply, Go's clients send nothing on the
   * stream, which is the only flow control available; they wait for 30 s.
   */
  holdReply(): void {
    this.#isReplyHeld = true;
  }

  /** Accepts the stream at the peer. Does nothing the second time, or if the stream has ended. */
  reply(): void {
    if (this.#isReplied || this.#failure) return;
    this.#isReplied = true;
    this.#carrier.sendReply(this.id);
  }

  /** For the connection: the stream was accepted. */
  accepted(): void {
    if (!this.#isReplyHeld) this.reply();
  }

  /** Resolves when the stream is reset or its connection is lost. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get takenBytes(): number {
    return this.#unread.takenBytes;
  }

  /**
   * The peer's bytes until its FIN. For one reader.
   * @throws UnavailableError if the stream is reset or the connection is lost before the FIN
   */
  input(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#unread.read();
  }

  /** From now on the peer's bytes are dropped. */
  discardInput(): void {
    this.#unread.discard();
  }

  /**
   * @param bytes must not be changed afterwards: the socket may hold them after this resolves
   * @throws UnavailableError if this half has ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.reply();
    for (let at = 0; at < bytes.length; at += maxWriteBytes) {
      if (this.#failure) throw this.#failure;
      if (this.#outputEnded) throw new UnavailableError("STREAM_CLOSED", `stream ${this.id} is closed`);
      await this.#carrier.sendData(this.id, bytes.subarray(at, at + maxWriteBytes), false);
    }
  }

  /** Sends FIN: ends this half. Does nothing the second time. */
  end(): void {
    if (this.#outputEnded || this.#failure) return;
    this.reply();
    this.#outputEnded = true;
    void this.#carrier.sendData(this.id, new Uint8Array(0), true);
    this.#settle();
  }

  /** Ends both halves at once. */
  reset(status: number = resetStatus.cancel): void {
    if (this.#failure || (this.#unread.hasEnded && this.#outputEnded)) return;
    this.#carrier.sendReset(this.id, status);
    this.fail(new UnavailableError("STREAM_RESET", `stream ${this.id} was reset`));
  }

  /** For the connection: bytes of the peer. */
  receive(bytes: Uint8Array): void {
    this.#unread.push(bytes);
  }

  /** For the connection: the peer's FIN. */
  receiveEnd(): void {
    if (this.#unread.hasEnded) return;
    this.#unread.end();
    this.#settle();
  }

  /** For the connection: the stream is lost. Bytes that arrived before can still be read. */
  fail(failure: Error): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#unread.fail(failure);
    this.#lost.resolve();
    this.#carrier.ended(this);
  }

  #settle(): void {
    if (this.#unread.hasEnded && this.#outputEnded) this.#carrier.ended(this);
  }
}
