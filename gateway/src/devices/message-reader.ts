import { CborError, decodeMessage, type Message, MessageError } from "@motelet/profiles";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";

/** Reads what devices send. Bad messages are expected: counted, never thrown (SPEC §3.1). */
export class MessageReader {
  readonly #log: Logger;
  readonly #refused;
  readonly #skipped;

  constructor(options: { log: Logger; metrics: Metrics }) {
    this.#log = options.log;
    this.#refused = options.metrics.counter(
      "motelet_messages_refused_total",
      "Messages that could not be read.",
      ["code"],
    );
    this.#skipped = options.metrics.counter(
      "motelet_message_parts_skipped_total",
      "Unknown kinds, keys and elements that were skipped.",
    );
  }

  /** @returns undefined if it is refused */
  read(bytes: Uint8Array, peer: string): Message | undefined {
    try {
      const { message, skipped } = decodeMessage(bytes);
      if (skipped > 0) this.#skipped.inc(skipped);
      return message;
    } catch (error) {
      if (!(error instanceof CborError || error instanceof MessageError)) throw error;
      this.#refused.inc({ code: error.code });
      this.#log.debug({ peer, code: error.code }, "message refused");
      return undefined;
    }
  }
}
