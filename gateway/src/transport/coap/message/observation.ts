import type { MessageContent } from "./codec.ts";
import { Option, uintOption } from "./options.ts";
import type { OutgoingMessage } from "./outbox.ts";

/** Why an observation ended. */
export type ObservationEnd =
  /** The client cancelled it: a reset, or a request with Observe 1. */
  | "cancelled"
  /** The client did not acknowledge a notification, and was not heard while it was retransmitted. */
  | "timed-out"
  /** The same client registered again with this token. */
  | "replaced"
  /** The gateway ended it. */
  | "ended";

export interface ObservationPort {
  /** Queues a notification. @returns false: dropped */
  push(message: OutgoingMessage): boolean;
  /** The observation is over: it is taken from its peer, and its messages from the outbox. */
  ended(observation: Observation, why: ObservationEnd): void;
}

/**
 * A client's interest in a resource (RFC 7641). Notifications have ascending sequence numbers; a reset, or a notification
 * that is never acknowledged by a client that is not heard either, ends the observation.
 */
export class Observation {
  readonly token: Uint8Array;
  #port: ObservationPort;
  readonly #seal: (content: MessageContent) => MessageContent | undefined;
  readonly #onEnded: (why: ObservationEnd) => void;
  #sequence = 0;
  #isOver = false;

  constructor(options: {
    token: Uint8Array;
    port: ObservationPort;
    /** Protects a notification; undefined: not possible now. */
    seal: (content: MessageContent) => MessageContent | undefined;
    onEnded: (why: ObservationEnd) => void;
  }) {
    this.token = options.token;
    this.#port = options.port;
    this.#seal = options.seal;
    this.#onEnded = options.onEnded;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The response to the registration: it carries the first sequence number, and is protected by whoever sends it. */
  first(content: MessageContent): MessageContent {
    return this.#numbered(content);
  }

  /** @returns false: dropped, because the observation is over, the queue is full, or the message cannot be protected now */
  notify(content: MessageContent): boolean {
    if (this.#isOver) return false;
    const sealed = this.#seal(this.#numbered(content));
    return sealed !== undefined && this.#push(sealed);
  }

  /** Ends the observation, with an error that tells the client so if `last` is given (RFC 7641 §4.2). */
  end(why: ObservationEnd, last?: MessageContent): void {
    if (this.#isOver) return;
    const sealed = last && this.#seal(last);
    this.#isOver = true;
    this.#port.ended(this, why);
    if (sealed) this.#push(sealed);
    this.#onEnded(why);
  }

  /** The client is at another address: what was queued for the old one is not sent any more. */
  move(port: ObservationPort): void {
    this.#port.ended(this, "replaced");
    this.#port = port;
  }

  #push(content: MessageContent): boolean {
    return this.#port.push({
      token: this.token,
      content,
      mayBeNonConfirmable: true,
      ended: (result) => {
        if (result === "reset") this.end("cancelled");
        // What is lost on a bad network is not the end: the session sends again what matters, and judges who lives.
        else if (result === "timed-out") this.end("timed-out");
      },
    });
  }

  /** 24 bits that wrap; half of them take days at any rate that message ids allow (RFC 7641 §4.4). */
  #numbered({ code, options, payload }: MessageContent): MessageContent {
    const sequence = this.#sequence;
    this.#sequence = (sequence + 1) % 2 ** 24;
    return { code, options: [...options, uintOption(Option.observe, sequence)], payload };
  }
}
