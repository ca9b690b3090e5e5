import type { Clock, Timer } from "../../foundation/clock.ts";
import type { MqttLimits } from "./mqtt-limits.ts";

/** A handshake as the queue sees it; calls must not throw. */
export interface QueuedHandshake {
  /** Its turn has come: called once, during `enter` or later. */
  begin(): void;
  /** It has waited too long and was removed from the queue. */
  expired(): void;
}

/**
 * Limits how many handshakes run at the same time. A handshake costs milliseconds of processor time: a thousand
 * concurrent ones would all finish late, and those that time out cost as much. So a few run, and the others wait in
 * FIFO order. A peer that does not answer keeps its place for `handshakePlaceMs` only, so that such peers slow the
 * queue down but do not block it; its handshake continues without a place.
 */
export class HandshakeQueue {
  readonly #limits: Pick<MqttLimits, "handshakePlaces" | "handshakePlaceMs" | "handshakeWaitMs">;
  readonly #clock: Clock;
  readonly #measure: (waiting: number) => void;
  readonly #places = new Map<QueuedHandshake, Timer>();
  /** In FIFO order. */
  readonly #line = new Map<QueuedHandshake, Timer>();
  #advancing = false;

  /** @param options.waiting called with the number of waiting handshakes at each change */
  constructor(options: {
    limits: Pick<MqttLimits, "handshakePlaces" | "handshakePlaceMs" | "handshakeWaitMs">;
    clock: Clock;
    waiting: (count: number) => void;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#measure = options.waiting;
  }

  /** Begins the handshake if there is a free place, otherwise adds it to the queue. */
  enter(handshake: QueuedHandshake): void {
    const wait = this.#clock.after(this.#limits.handshakeWaitMs, () => {
      this.#line.delete(handshake);
      this.#measure(this.#line.size);
      handshake.expired();
    });
    this.#line.set(handshake, wait);
    this.#advance();
  }

  /** The handshake is done, or its peer has disconnected: the next one gets its place. */
  leave(handshake: QueuedHandshake): void {
    for (const group of [this.#line, this.#places]) {
      group.get(handshake)?.cancel();
      group.delete(handshake);
    }
    this.#advance();
  }

  #advance(): void {
    // One that leaves as soon as it has begun makes room for the loop that is running.
    if (this.#advancing) return;
    this.#advancing = true;
    for (const [handshake, wait] of this.#line) {
      if (this.#places.size >= this.#limits.handshakePlaces) break;
      wait.cancel();
      this.#line.delete(handshake);
      // Once more for a turn of the event loop, which reads what has come: on a busy machine we are late, not the peer.
      const free = () =>
        this.#places.set(
          handshake,
          this.#clock.after(0, () => this.leave(handshake)),
        );
      this.#places.set(handshake, this.#clock.after(this.#limits.handshakePlaceMs, free));
      handshake.begin();
    }
    this.#advancing = false;
    this.#measure(this.#line.size);
  }
}
