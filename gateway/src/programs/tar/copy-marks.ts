/** How far an interrupted copy had come. */
export interface CopyMark {
  /** Headers that were sent, the last one perhaps in part. */
  readonly headers: number;
  /** SHA-256 over them. */
  readonly digest: string;
}

/**
 * Remembers copies that were interrupted and may be resumed, so that files which changed meanwhile are noticed: the
 * bytes that a caller has and those that it gets must be of the same files. Bounded; the oldest is forgotten first, and
 * a copy that is not remembered is resumed unchecked, as every kubelet does it.
 */
export class CopyMarks {
  readonly #marks = new Map<string, CopyMark>();
  readonly #limit: number;

  constructor(limit = 256) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#marks.size;
  }

  get(copy: string): CopyMark | undefined {
    return this.#marks.get(copy);
  }

  set(copy: string, mark: CopyMark): void {
    this.#marks.delete(copy);
    for (const oldest of this.#marks.keys()) {
      if (this.#marks.size < this.#limit) break;
      this.#marks.delete(oldest);
    }
    this.#marks.set(copy, mark);
  }

  delete(copy: string): void {
    this.#marks.delete(copy);
  }
}
