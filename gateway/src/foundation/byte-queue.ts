/** A queue of byte chunks in their original order. Chunks are neither copied nor changed. */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #length = 0;

  /** Number of bytes in the queue. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** Removes the oldest chunk. */
  shift(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    this.#length -= chunk?.length ?? 0;
    return chunk;
  }

  /** Removes everything, as one chunk; undefined if the queue is empty. */
  takeAll(): Uint8Array | undefined {
    const bytes = this.#chunks.length < 2 ? this.#chunks[0] : Buffer.concat(this.#chunks, this.#length);
    this.clear();
    return bytes;
  }

  /** A copy of `length` bytes; the queue must hold that many from `from` on. */
  copy(from: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    let at = 0;
    let skip = from;
    for (const chunk of this.#chunks) {
      if (at === length) break;
      const part = chunk.subarray(skip, skip + length - at);
      bytes.set(part, at);
      at += part.length;
      skip = Math.max(0, skip - chunk.length);
    }
    return bytes;
  }

  /** Drops the oldest bytes. */
  discard(count: number): void {
    let left = Math.min(count, this.#length);
    this.#length -= left;
    for (let [chunk] = this.#chunks; chunk && left > 0; [chunk] = this.#chunks) {
      if (chunk.length > left) this.#chunks[0] = chunk.subarray(left);
      else this.#chunks.shift();
      left -= Math.min(left, chunk.length);
    }
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
  }
}
