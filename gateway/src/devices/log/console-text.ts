import type { Clock } from "../../foundation/clock.ts";
import { Deadline } from "../../foundation/deadline.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { Store } from "../../store/store.ts";
import { LineAssembler } from "./line-assembler.ts";

/** How long an incomplete line may wait for its end before it is stored incomplete. Milliseconds. */
export const lineWaitMs = 1_000;
/** Text of one device that may wait for its commit, in characters. */
export const maxPendingText = 262_144;

/** Writes a channel's console text to its device's log: line by line, stamped at arrival. */
export class ConsoleText implements Disposable {
  readonly #device: string;
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #lines = new LineAssembler();
  readonly #deadline: Deadline;
  readonly #dropped;
  #pending = 0;
  #heldSinceMs: number | undefined;

  constructor(options: { device: string; store: Store; clock: Clock; dropped: ConsoleDropCounter }) {
    this.#device = options.device;
    this.#store = options.store;
    this.#clock = options.clock;
    this.#dropped = options.dropped;
    this.#deadline = new Deadline(options.clock, () => this.#expire());
  }

  push(bytes: Uint8Array): void {
    this.#keep(this.#lines.push(bytes));
    this.#heldSinceMs = this.#lines.pending ? this.#clock.monotonicMs() : undefined;
    if (this.#lines.pending) this.#deadline.set(this.#clock.monotonicMs() + lineWaitMs);
  }

  /** Stores what there is: the channel has closed. */
  [Symbol.dispose](): void {
    this.#deadline.cancel();
    this.#keep([this.#lines.flush()]);
  }

  #expire(): void {
    if (this.#heldSinceMs === undefined) return;
    const dueMs = this.#heldSinceMs + lineWaitMs;
    if (this.#clock.monotonicMs() < dueMs) {
      this.#deadline.set(dueMs);
      return;
    }
    this.#heldSinceMs = undefined;
    this.#keep([this.#lines.flush()]);
  }

  #keep(texts: readonly string[]): void {
    const kept = texts.filter((text) => text !== "");
    const length = kept.reduce((sum, text) => sum + text.length, 0);
    if (length === 0) return;
    if (this.#pending + length > maxPendingText) {
      this.#dropped.inc(length);
      return;
    }
    const stampMs = this.#clock.wallMs();
    this.#pending += length;
    this.#store.database
      .write((transaction) => {
        const lines = kept.map((text) => ({ stampMs, text }));
        this.#store.logs.append(transaction, this.#device, "this", lines);
      })
      .catch(() => this.#dropped.inc(length))
      .finally(() => {
        this.#pending -= length;
      });
  }
}

export type ConsoleDropCounter = ReturnType<typeof consoleDropCounter>;

export function consoleDropCounter(metrics: Metrics) {
  return metrics.counter(
    "motelet_console_dropped_total",
    "Characters of console text that could not be stored.",
  );
}
