import type { Clock, Timer } from "../foundation/clock.ts";

/** One of several streams on a connection. */
export interface GuardedStream {
  /** Increases while the stream is being read. */
  readonly takenBytes: number;
}

export interface BackpressureGuardOptions<M extends GuardedStream> {
  readonly clock: Clock;
  /** Time between two probes of a peer whose bytes wait. */
  readonly probeMs: number;
  /** How long a stream's bytes may wait without any of them being read. */
  readonly stallTimeoutMs: number;
  /** Stop and start reading the socket. */
  readonly pause: () => void;
  readonly resume: () => void;
  /**
   * An unread socket does not report that the peer has closed it, but a write to it does. So while input waits, the
   * guard writes a few bytes from time to time.
   */
  readonly probe: () => void;
  /** This stream is not being read. */
  readonly onStalled: (member: M) => void;
}

/**
 * Back-pressure for a connection whose streams share one socket and have no windows of their own: the socket is read
 * while no stream is above its limit. kube-apiserver cannot report that its client has disconnected while its own write
 * waits. Without the stall timeout, the gateway would wait for a reader that never reads until the idle timeout.
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
