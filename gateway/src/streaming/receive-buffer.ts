import { ByteQueue } from "../foundation/byte-queue.ts";
/** Unread bytes of one stream at which its connection stops reading its socket. */
export const maxUnreadBytes = 65_536;

/** What a queued chunk costs in addition to its bytes, so that a stream of 1-byte frames is bounded too. */
const chunkCostBytes = 128;

/**
 * What a peer has sent on one stream of several that share a connection, until its one reader comes for it. It takes
 * whatever is pushed and says when that is more than it should hold; the connection then reads no more.
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

  /** @param onCrowded went over or back under the limit */
  constructor(onCrowded: (isCrowded: boolean) => void) {
    this.#onCrowded = onCrowded;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Cost of everything that was read or dropped so far: it rises while somebody takes the bytes. */
  get takenBytes(): number {
    return this.#takenBytes;
  }

  /** @param bytes kept until they are read; copied where they would keep a larger block in memory */
  push(bytes: Uint8Array): void {
    if (this.#isDiscarding || this.#hasEnded || this.#failure || bytes.length === 0) return;
    const isSmallPart = bytes.buffer.byteLength > 2 * bytes.length + chunkCostBytes;
    this.#chunks.push(isSmallPart ? Uint8Array.from(bytes) : bytes);
    this.#charge(bytes.length + chunkCostBytes);
    this.#wakeReader?.();
  }

  /** The peer sends no more. */
  end(): void {
    this.#hasEnded = true;
    this.#wakeReader?.();
  }

  /** The stream is gone. What came before stays readable. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wakeReader?.();
  }

  /** From now on what comes is dropped: nobody reads it, and it must not stop the other streams. */
  discard(): void {
    this.#isDiscarding = true;
    this.#chunks.clear();
    this.#charge(-this.#cost);
  }

  /**
   * The peer's bytes until it has ended. For one reader.
   * @throws what `fail` was given, where that came before the end
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
