import type { JobOutput } from "../shell/job.ts";

/** What a console that is not read keeps, bytes. */
const backlogBytes = 4_096;
const newline = 0x0a;

/**
 * The output of one console. Output of a command waits until it fits. Messages of the device itself do not wait: it
 * is kept in a small backlog, whose oldest bytes make room for the newest.
 *
 *   sent ┄┄▶ │ "[n bytes lost]" │ backlog: the newest 4,096 bytes │ ◀┄┄ told
 */
export class ConsoleOutput implements JobOutput {
  readonly #out: JobOutput;
  #backlog: Uint8Array = new Uint8Array();
  #lostBytes = 0;
  #lastByte: number = newline;

  constructor(out: JobOutput) {
    this.#out = out;
  }

  /** Commands wait until the backlog has been sent, so that the order is kept. */
  get free(): number {
    return this.#waits ? 0 : this.#out.free;
  }

  write(bytes: Uint8Array): number {
    return this.#waits ? 0 : this.#write(bytes);
  }

  /** Accepts all of the bytes. If the backlog is full, the oldest bytes are lost, and the reader gets their number. */
  tell(bytes: Uint8Array): void {
    const rest = bytes.subarray(this.write(bytes));
    if (rest.length === 0) return;
    const waiting = Buffer.concat([this.#backlog, rest]);
    const lost = Math.max(0, waiting.length - backlogBytes);
    this.#lostBytes += lost;
    this.#backlog = lost === 0 ? waiting : Uint8Array.from(waiting.subarray(lost));
  }

  /** Writes the waiting bytes, as far as they fit. */
  pump(): void {
    if (this.#lostBytes > 0) {
      const mark = Buffer.from(`${this.#lastByte === newline ? "" : "\n"}[${this.#lostBytes} bytes lost]\n`);
      if (this.#out.free < mark.length) return;
      this.#write(mark);
      this.#lostBytes = 0;
    }
    if (this.#backlog.length > 0) this.#backlog = this.#backlog.subarray(this.#write(this.#backlog));
  }

  get #waits(): boolean {
    return this.#lostBytes > 0 || this.#backlog.length > 0;
  }

  #write(bytes: Uint8Array): number {
    const count = this.#out.write(bytes);
    if (count > 0) this.#lastByte = bytes[count - 1] as number;
    return count;
  }
}
