import { ByteQueue } from "../foundation/byte-queue.ts";
/** Unread bytes of one stream above which its connection stops reading its socket. */
export const maxUnreadBytes = 65_536;

/** What a queued chunk costs in addition to its bytes, so that a stream of 1-byte frames is bounded too. */
const chunkCostBytes = 128;

/**
 * The bytes that a peer has sent on one of several streams of a connection, until its one reader takes them. Accepts
 * every push and reports when the limit is exceeded; the connection then stops reading.
 */
export class ReceiveBuffer {
  readonly #onCrowded: (isCrowded: boolean) => void;
  readonly #chunks = new ByteQueue();
  #cost = 0;
  #isCrowded = false;
  #isDiscarding = false;
  #hasEnded = false;
  #takenBytes = 0;
  #failure: Error | undefined;
  #wakeReader: (() => void) | undefined;

  /** @param onCrowded called when the buffer crosses the limit, in either direction */
  constructor(onCrowded: (isCrowded: boolean) => void) {
    this.#onCrowded = onCrowded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Cost of everything that was read or dropped so far: it increases while the bytes are being read. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** @param bytes kept until they are read; copied if they would keep a larger block in memory */
  push(bytes: Uint8Array): void {
    if (this.#isDiscarding || this.#hasEnded || this.#failure || bytes.length === 0) return;
    const isSmallPart = bytes.buffer.byteLength > 2 * bytes.length + chunkCostBytes;
    this.#chunks.push(isSmallPart ? Uint8Array.from(bytes) : bytes);
    this.#charge(bytes.length + chunkCostBytes);
    this.#wakeReader?.();
  }

  /** The peer will send no more. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
  }

  /** The stream is lost. Bytes that arrived before can still be read. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wakeReader?.();
  }

  /** Drops all further bytes: they will not be read, and must not stop the other streams. */
  discard(): void {
    this.#isDiscarding = true;
    this.#chunks.clear();
    this.#charge(-this.#cost);
  }

  /**
   * The peer's bytes until its end. For one reader.
   * @throws the error of `fail`, if it was called before the end
   */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const bytes = this.#chunks.shift();
      if (bytes) {
        this.#charge(-bytes.length - chunkCostBytes);
        yield bytes;
      } else if (this.#hasEnded) return;
      else if (this.#failure) throw this.#failure;
      else await this.#readable();
    }
  }

  #readable(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wakeReader = resolve;
    return promise;
  }

  #charge(cost: number): void {
    this.#cost += cost;
    if (cost < 0) this.#takenBytes -= cost;
    const isCrowded = this.#cost > maxUnreadBytes;
    if (isCrowded === this.#isCrowded) return;
    this.#isCrowded = isCrowded;
    this.#onCrowded(isCrowded);
  }
}
