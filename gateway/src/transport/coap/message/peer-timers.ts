import type { Clock } from "../../../foundation/clock.ts";
import { Deadline } from "../../../foundation/deadline.ts";
import type { Peer } from "./peer.ts";

/** One timer for each peer to which something has to be retransmitted. */
export class PeerTimers implements Disposable {
  readonly #clock: Clock;
  readonly #poll: (peer: Peer) => void;
  readonly #deadlines = new Map<Peer, Deadline>();

  /** @param poll retransmits what is due */
  constructor(clock: Clock, poll: (peer: Peer) => void) {
    this.#clock = clock;
    this.#poll = poll;
  }

  /** Sets the timer to what the peer's outbox says. */
  follow(peer: Peer): void {
    const { dueMs } = peer.outbox;
    let deadline = this.#deadlines.get(peer);
    if (dueMs === undefined) {
      deadline?.cancel();
      this.#deadlines.delete(peer);
      return;
    }
    if (!deadline) {
      deadline = new Deadline(this.#clock, () => {
        this.#poll(peer);
        this.follow(peer);
      });
      this.#deadlines.set(peer, deadline);
    }
    deadline.set(dueMs);
  }

  cancel(peer: Peer): void {
    this.#deadlines.get(peer)?.cancel();
    this.#deadlines.delete(peer);
  }

  [Symbol.dispose](): void {
    for (const deadline of this.#deadlines.values()) deadline.cancel();
    this.#deadlines.clear();
  }
}
