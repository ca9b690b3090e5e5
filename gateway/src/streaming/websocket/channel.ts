import { UnavailableError } from "../../foundation/errors.ts";
import { ReceiveBuffer } from "../receive-buffer.ts";
import type { RemoteStream } from "../remote-stream.ts";

/** The calls of a channel to its connection. */
export interface ChannelCarrier {
  /** Resolves when the socket can take more. */
  send(number: number, bytes: Uint8Array): Promise<void>;
  crowded(channel: Channel, isCrowded: boolean): void;
}

/** A message of ours stays below 32 KiB with its first byte and in base64 too: Python's client errs at that boundary. */
const maxWriteBytes = 24_000;

/** One channel of a WebSocket. Only v5 clients can end their half; the gateway's half ends with the connection. */
export class Channel implements RemoteStream {
  readonly number: number;
  readonly #carrier: ChannelCarrier;
  readonly #unread: ReceiveBuffer;
  #hasEnded = false;
  #failure: Error | undefined;
  readonly #lost = Promise.withResolvers<void>();

  constructor(number: number, carrier: ChannelCarrier) {
    this.number = number;
    this.#carrier = carrier;
    this.#unread = new ReceiveBuffer((isCrowded) => carrier.crowded(this, isCrowded));
  }

  /** Resolves when the connection is lost. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get takenBytes(): number {
    return this.#unread.takenBytes;
  }

  input(): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#unread.read();
  }

  discardInput(): void {
    this.#unread.discard();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += maxWriteBytes)
      await this.#send(bytes.subarray(at, at + maxWriteBytes));
  }

  /** Sends an empty message: it shows clients that the connection is established. */
  greet(): Promise<void> {
    return this.#send(new Uint8Array(0));
  }

  end(): void {
    this.#hasEnded = true;
  }

  /** WebSocket channels have no reset: the gateway's half ends, and further input is dropped. */
  reset(): void {
    this.end();
    this.discardInput();
  }

  /** For the connection: bytes of the client. */
  receive(bytes: Uint8Array): void {
    this.#unread.push(bytes);
  }

  /** For the connection: the client's half close. */
  receiveEnd(): void {
    this.#unread.end();
  }

  /** For the connection: the connection is lost. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#unread.fail(failure);
    this.#lost.resolve();
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#failure) throw this.#failure;
    if (this.#hasEnded) throw new UnavailableError("STREAM_CLOSED", `channel ${this.number} is closed`);
    await this.#carrier.send(this.number, bytes);
  }
}
