import type { Clock, Timer } from "../../foundation/clock.ts";
import type { MqttLimits } from "./mqtt-limits.ts";

/** A handshake as the queue sees it; calls must not throw. */
export interface QueuedHandshake {
  /** It has a place: called once, from `enter` or later. */
  begin(): void;
  /** It has waited too long and is not in the line any more. */
  expired(): void;
}

/**
 * Limits how many handshakes run at a time. A handshake costs milliseconds of processor time, so a thousand that run at once all
 * end late, and those that are cut have cost as much. Here a few run at a time and the others wait, first come, first
 * served. A peer that does not answer keeps its place for `handshakePlaceMs` only, so that such peers slow the line down
 * and do not stop it; what it has begun goes on without a place.
 */
export class HandshakeQueue {
  readonly #limits: Pick<MqttLimits, "handshakePlaces" | "handshakePlaceMs" | "handshakeWaitMs">;
  readonly #clock: Clock;
  readonly #measure: (waiting: number) => void;
  readonly #places = new Map<QueuedHandshake, Timer>();
  /** First come first. */
  readonly #line = new Map<QueuedHandshake, Timer>();
  #advancing = false;

  /** @param options.waiting gets the number of waiting handshakes, at each change */
  constructor(options: {
    limits: Pick<MqttLimits, "handshakePlaces" | "handshakePlaceMs" | "handshakeWaitMs">;
    clock: Clock;
    waiting: (count: number) => void;
  }) {
    this.#limits = options.limits;
    this.#clock = options.clock;
    this.#measure = options.waiting;
  }

  /** Begins the handshake if there is a place, else puts it at the end of the line. */
  enter(handshake: QueuedHandshake): void {
    const wait = this.#clock.after(this.#limits.handshakeWaitMs, () => {
      this.#line.delete(handshake);
      this.#measure(this.#line.size);
      handshake.expired();
    });
    this.#line.set(handshake, wait);
    this.#advance();
  }

  /** The handshake is done, or its peer has gone: its place is for the next one. */
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
