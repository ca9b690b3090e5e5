import { UnavailableError } from "../../foundation/errors.ts";
import { ReceiveBuffer } from "../receive-buffer.ts";
import type { RemoteStream } from "../remote-stream.ts";
import { resetStatus } from "./frame.ts";

/** What a stream asks of its connection. */
export interface StreamCarrier {
  /** Says yes to the stream; bytes that go before are dropped by the peer. */
  sendReply(streamId: number): void;
  /** Resolves when the socket has room again. */
  sendData(streamId: number, bytes: Uint8Array, fin: boolean): Promise<void>;
  sendReset(streamId: number, status: number): void;
  /** The stream's unread bytes went over or back under its limit. */
  crowded(stream: SpdyStream, isCrowded: boolean): void;
  /** Both halves have ended, or the stream was reset. */
  ended(stream: SpdyStream): void;
}

/** Data frames of ours are no longer, so that streams share the socket. */
const maxWriteBytes = 32_768;

/**
 * One stream of a SPDY connection. SPDY's windows are not used, because Go's clients ignore them (docs/adr/0014): writes wait for the
 * socket, and unread input stops the connection's reading, so neither direction holds more than a constant.
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
   * To be called within `accept`: the peer is replied to only by `reply`. Until then Go's clients send nothing on the
   * stream, which is the only flow control there is; they wait for 30 s.
   */
  holdReply(): void {
    this.#isReplyHeld = true;
  }

  /** Says yes to the peer. Does nothing the second time, or where the stream is gone. */
  reply(): void {
    if (this.#isReplied || this.#failure) return;
    this.#isReplied = true;
    this.#carrier.sendReply(this.id);
  }

  /** For the connection: the stream was accepted. */
  accepted(): void {
    if (!this.#isReplyHeld) this.reply();
  }

  /** Resolves when the stream is reset or its connection lost. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get takenBytes(): number {
    return this.#unread.takenBytes;
  }

  /**
   * The peer's bytes until its FIN. For one reader.
   * @throws UnavailableError where the stream is reset or the connection lost before the FIN
   */
  input(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#unread.read();
  }

  /** From now on the peer's bytes are dropped. */
  discardInput(): void {
    this.#unread.discard();
  }

  /**
   * @param bytes handed over: the socket may hold them after this resolves
   * @throws UnavailableError where our half has ended
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.reply();
    for (let at = 0; at < bytes.length; at += maxWriteBytes) {
      if (this.#failure) throw this.#failure;
      if (this.#outputEnded) throw new UnavailableError("STREAM_CLOSED", `stream ${this.id} is closed`);
      await this.#carrier.sendData(this.id, bytes.subarray(at, at + maxWriteBytes), false);
    }
  }

  /** Sends FIN: our half ends. Does nothing the second time. */
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

  /** For the connection: the stream is gone. What came before stays readable. */
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
