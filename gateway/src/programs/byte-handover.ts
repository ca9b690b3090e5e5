import { UnavailableError } from "../foundation/errors.ts";

/**
 * Bytes from hand to hand inside the gateway: who puts waits until who reads has come for them, so that nothing piles
 * up between. One chunk for each put that waits; closed from either side.
 */
export class ByteHandover {
  readonly #waiting: { readonly bytes: Uint8Array; readonly taken: PromiseWithResolvers<void> }[] = [];
  #closed: Error | undefined;
  #ended = false;
  #wake: (() => void) | undefined;

  /**
   * Resolves when the bytes have been taken; they must not be changed before.
   * @throws UnavailableError HANDOVER_CLOSED where nobody reads any more
   */
  async put(bytes: Uint8Array): Promise<void> {
    if (this.#closed) throw this.#closed;
    if (this.#ended || bytes.length === 0) return;
    const taken = Promise.withResolvers<void>();
    this.#waiting.push({ bytes, taken });
    this.#wake?.();
    await taken.promise;
  }

  /** No more bytes come; those that wait are still read. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** Nobody reads any more: puts fail, those that wait too. A reader sees the end. */
  close(): void {
    this.#closed ??= new UnavailableError("HANDOVER_CLOSED", "nobody takes these bytes any more");
    for (const { taken } of this.#waiting.splice(0)) taken.reject(this.#closed);
    this.#wake?.();
  }

  /** To be called once. Ends where the writer has ended, or the handover was closed. */
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
