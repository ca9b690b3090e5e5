import { UnavailableError } from "../foundation/errors.ts";

/**
 * Passes bytes between two parts of the gateway: each `put` waits until the reader has taken its bytes, so that nothing
 * accumulates. One chunk for each waiting `put`; either side can close it.
 */
export class ByteHandover {
  readonly #waiting: { readonly bytes: Uint8Array; readonly taken: PromiseWithResolvers<void> }[] = [];
  #closed: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /**
   * Resolves when the bytes have been taken; they must not be changed before.
   * @throws UnavailableError HANDOVER_CLOSED if the reader has closed it
   */
  async put(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    if (this.#ended || bytes.length === 0) return;
    const taken = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, taken });
    this.#wake?.();
    await taken.promise;
  }

  /** Ends the input; chunks that wait are still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Ends the reading: all puts fail, including waiting ones. A reader sees the end. */
  close(): void {
    this.#closed ??= new UnavailableError("HANDOVER_CLOSED", "nobody takes these bytes any more");
    for (const { taken } of this.#waiting.splice(0)) taken.reject(this.#closed);
    this.#wake?.();
  }

  /** Call it once. Ends when the writer has ended, or the handover was closed. */
  async *read(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next) {
          next.taken.resolve();
          yield next.bytes;
        } else if (this.#ended || this.#closed) return;
        else {
          const { promise, resolve } = Promise.withResolvers<void>();
          this.#wake = resolve;
          await promise;
        }
      }
    } finally {
      this.close();
    }
  }
}
