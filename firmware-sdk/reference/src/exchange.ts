import { type CborValue, encodeCbor, limits, serialNewer } from "@motelet/profiles";

/** What a request was answered with. */
export interface Answer {
  readonly status: number;
  readonly result: readonly CborValue[];
}

/** What to do with a once-request: carry it out, answer as before, or say nothing. */
export type OnceVerdict =
  | { readonly kind: "new" }
  | { readonly kind: "replay"; readonly answer: Answer }
  | { readonly kind: "old" };

/**
 * The one record that makes an effect happen at most once (SPEC §5.5). The gateway has only one once-request
 * outstanding at a time, so the latest id, its status and up to 8 bytes of results are enough.
 */
export class OnceRecord {
  #id: number | undefined;
  #answer: Answer = { status: 0, result: [] };

  judge(id: number): OnceVerdict {
    if (this.#id === undefined || serialNewer(id, this.#id)) return { kind: "new" };
    return id === this.#id ? { kind: "replay", answer: this.#answer } : { kind: "old" };
  }

  /** @throws RangeError for more results than a device may have to keep */
  record(id: number, answer: Answer): void {
    const length = answer.result.reduce<number>((sum, value) => sum + encodeCbor(value).length, 0);
    if (length > limits.onceResultBytes) {
      throw new RangeError(`a once-request's result of ${length} bytes: at most ${limits.onceResultBytes}`);
    }
    this.#id = id;
    this.#answer = answer;
  }

  clear(): void {
    this.#id = undefined;
  }
}
