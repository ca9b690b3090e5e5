import { type CborValue, encodeCbor, limits, serialNewer } from "@motelet/profiles";

/** The answer to a request. */
export interface Answer {
  readonly status: number;
  readonly result: readonly CborValue[];
}

/** How to handle an at-most-once request: execute it, repeat the answer (if there is one yet), or ignore it. */
export type AtMostOnceVerdict =
  | { readonly kind: "new" }
  | { readonly kind: "replay"; readonly answer: Answer | undefined }
  | { readonly kind: "old" };

/** An at-most-once request as it is recorded; without an answer while it is being carried out. */
interface Recorded {
  readonly id: number;
  answer?: Answer;
}

/**
 * The one record that makes an effect happen at most once (SPEC §5.5). The gateway has only one at-most-once request in flight
 * at a time, so the latest id, its status and up to 8 bytes of results are enough.
 */
export class AtMostOnceRecord {
  #recorded: Recorded | undefined;

  judge(id: number): AtMostOnceVerdict {
    if (this.#recorded === undefined || serialNewer(id, this.#recorded.id)) return { kind: "new" };
    return id === this.#recorded.id ? { kind: "replay", answer: this.#recorded.answer } : { kind: "old" };
  }

  /** @throws RangeError for longer results than a device must be able to keep */
  record(id: number, answer: Answer): void {
    this.settle(this.begin(id), answer);
  }

  /** Records that a request is being executed, so that its repetition is not. */
  begin(id: number): Readonly<Recorded> {
    this.#recorded = { id };
    return this.#recorded;
  }

  /**
   * Records its result. False: the record already belongs to another request.
   * @throws as `record` does
   */
  settle(begun: Readonly<Recorded>, answer: Answer): boolean {
    const length = answer.result.reduce<number>((sum, value) => sum + encodeCbor(value).length, 0);
    if (length > limits.atMostOnceResultBytes) {
      throw new RangeError(
        `an at-most-once request's result of ${length} bytes: at most ${limits.atMostOnceResultBytes}`,
      );
    }
    if (this.#recorded !== begun) return false;
    this.#recorded.answer = answer;
    return true;
  }

  clear(): void {
    this.#recorded = undefined;
  }
}
