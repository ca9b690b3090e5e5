import type { Conversation, DialVerb } from "../../devices/verbs/dial.ts";
import { onAbort } from "../../foundation/abort.ts";
import type { Clock } from "../../foundation/clock.ts";
import { MoteletError, UnavailableError } from "../../foundation/errors.ts";

/** Codes of a device that has no room for one more connection now. */
const noRoom: ReadonlySet<string> = new Set(["STREAMS_EXHAUSTED", "DIAL_RESOURCE_EXHAUSTED"]);

export const dialLineLimits = {
  /** How long a connection waits for a free stream of the device; clients wait 30 s for the reply. */
  waitMs: 25_000,
  /** Other callers use streams of the device too, and nothing reports when they are done. */
  retryMs: 250,
} as const;

/** A connection for which there was no room. */
interface Waiting {
  readonly port: number;
  readonly signal: AbortSignal;
  readonly untilMs: number;
  readonly result: PromiseWithResolvers<Conversation>;
}

/**
 * Dials for the connections of one client. A device serves a few at the same time, and browsers open many at once.
 * Connections without a free stream wait in order, because kubectl ends the whole port-forward at the first one that is
 * refused.
 */
export class DialLine {
  readonly #dial: DialVerb;
  readonly #key: string;
  readonly #caller: string;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  #wake: (() => void) | undefined;
  #isServing = false;

  constructor(dial: DialVerb, key: string, caller: string, clock: Clock) {
    this.#dial = dial;
    this.#key = key;
    this.#caller = caller;
    this.#clock = clock;
  }

  /** @throws errors of the verb; UnavailableError if the signal aborts first */
  async dial(port: number, { signal }: { readonly signal: AbortSignal }): Promise<Conversation> {
    // Preserve FIFO order.
    if (this.#waiting.length === 0) {
      try {
        return await this.#try(port, signal);
      } catch (error) {
        if (!isNoRoom(error)) throw error;
      }
    }
    const result = Promise.withResolvers<Conversation>();
    const untilMs = this.#clock.monotonicMs() + dialLineLimits.waitMs;
    this.#waiting.push({ port, signal, untilMs, result });
    if (!this.#isServing) void this.#serve();
    return result.promise;
  }

  /** Dials for the first one in the queue until the queue is empty. */
  async #serve(): Promise<void> {
    this.#isServing = true;
    // It has just been tried for the first of them.
    if (this.#waiting[0]) await this.#room(this.#waiting[0].signal);
    for (;;) {
      const first = this.#waiting[0];
      if (!first) break;
      const { port, signal, untilMs, result } = first;
      const isLast = this.#clock.monotonicMs() >= untilMs;
      try {
        result.resolve(await this.#try(port, signal));
      } catch (error) {
        if (isNoRoom(error) && !isLast) {
          await this.#room(signal);
          continue;
        }
        result.reject(error);
      }
      this.#waiting.shift();
    }
    this.#isServing = false;
  }

  async #try(port: number, signal: AbortSignal): Promise<Conversation> {
    if (signal.aborted) throw new UnavailableError("DIAL_CANCELLED", "the connection was closed");
    const conversation = await this.#dial.dial(this.#key, port, { signal, caller: this.#caller });
    return {
      output: conversation.output,
      ended: conversation.ended,
      write: (bytes) => conversation.write(bytes),
      endInput: () => conversation.endInput(),
      [Symbol.asyncDispose]: async () => {
        await conversation[Symbol.asyncDispose]();
        this.#wake?.();
      },
    };
  }

  /** Resolves when a stream may be free: a connection of this client has ended, or one of another caller may have. */
  async #room(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    using _aborting = onAbort(signal, resolve);
    const timer = this.#clock.after(dialLineLimits.retryMs, resolve);
    await promise;
    timer.cancel();
    this.#wake = undefined;
  }
}

/** Whether the device refused a connection only because no stream is free. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof MoteletError && noRoom.has(error.code);
}
