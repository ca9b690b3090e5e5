import type { Clock, Timer } from "../foundation/clock.ts";

/** One of several streams on a connection. */
export interface GuardedStream {
  /** Rises while somebody reads the stream. */
  readonly takenBytes: number;
}

export interface BackpressureGuardOptions<M extends GuardedStream> {
  readonly clock: Clock;
  /** Between two signs of life to a peer whose bytes wait. */
  readonly probeMs: number;
  /** How long a stream's bytes may wait without any of them being taken. */
  readonly stallTimeoutMs: number;
  /** Stop and start the reading of the socket. */
  readonly pause: () => void;
  readonly resume: () => void;
  /**
   * A socket that is not read does not tell that the peer has closed it; one that is written to does. So while input
   * waits, this writes a little now and then.
   */
  readonly probe: () => void;
  /** Nobody takes this stream's bytes. */
  readonly onStalled: (member: M) => void;
}

/**
 * Back-pressure of a connection whose streams share one socket and have no windows of their own: the socket is read while
 * no stream is crowded. kube-apiserver cannot tell us that its client is gone while its own write to us waits, so a
 * reader that never reads would be waited for until the idle timeout: that is what the stall timeout is for.
 */
export class BackpressureGuard<M extends GuardedStream> {
  readonly #options: BackpressureGuardOptions<M>;
  readonly #crowded = new Map<M, { takenBytes: number; sinceMs: number }>();
  #timer: Timer | undefined;
  #isClosed = false;

  constructor(options: BackpressureGuardOptions<M>) {
    this.#options = options;
  }

  note(member: M, isCrowded: boolean): void {
    if (this.#isClosed) return;
    const { clock, probeMs, pause, resume } = this.#options;
    if (isCrowded) this.#crowded.set(member, { takenBytes: member.takenBytes, sinceMs: clock.monotonicMs() });
    else if (!this.#crowded.delete(member)) return;
    if (this.#crowded.size > 0) {
      pause();
      this.#timer ??= clock.after(probeMs, () => this.#look());
    } else {
      resume();
      this.#timer?.cancel();
      this.#timer = undefined;
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#crowded.clear();
  }

  #look(): void {
    const { clock, probeMs, stallTimeoutMs, probe, onStalled } = this.#options;
    this.#timer = clock.after(probeMs, () => this.#look());
    const nowMs = clock.monotonicMs();
    for (const [member, seen] of [...this.#crowded]) {
      if (member.takenBytes !== seen.takenBytes) {
        seen.takenBytes = member.takenBytes;
        seen.sinceMs = nowMs;
      } else if (nowMs - seen.sinceMs >= stallTimeoutMs) onStalled(member);
      if (this.#isClosed) return;
    }
    if (this.#crowded.size > 0) probe();
  }
}
