import type { ReportMessage } from "@motelet/profiles";
import { serialAdd, serialDistance } from "@motelet/profiles";
import { ageOf, type LogRing } from "./log-ring.ts";
import { RetransmitTimer } from "./stream.ts";

/** Reports that wait unacknowledged beyond which the ring needs a new epoch: serial arithmetic holds to 2^15. */
const mostUnacknowledged = 0x7fff;

/**
 * Sends the ring's reports in order and again until they are stored: go-back-N over sequence numbers (SPEC §5.6).
 * What was overwritten before it was stored is not in the ring any more: the hole from the first unstored number to the
 * oldest that is left goes out as one gap.
 */
export class ReportSender {
  readonly #ring: LogRing;
  readonly #timer: RetransmitTimer;
  #window = 1;
  /** First number that is not stored. */
  #una: number;
  /** Next number to send. */
  #nxt: number;

  constructor(ring: LogRing, rtoMs: number) {
    this.#ring = ring;
    this.#timer = new RetransmitTimer(rtoMs);
    this.#una = ring.positions.oldestSeq;
    this.#nxt = this.#una;
  }

  get deadlineMs(): number {
    return this.#timer.atMs;
  }

  /** Whether so many reports wait that their numbers become ambiguous: the ring needs a new epoch. */
  get exhausted(): boolean {
    return this.waiting >= mostUnacknowledged;
  }

  /** Reports that the gateway has not stored. */
  get waiting(): number {
    return (this.#ring.nextSeq - this.#una) & 0xffff;
  }

  /** Starts over after what the gateway has stored. */
  restart(settings: {
    readonly storedSeq: number;
    readonly reportWindow: number;
    readonly rtoMs: number;
  }): void {
    const first = serialAdd(settings.storedSeq, 1);
    // A gateway that claims more than was ever recorded has nothing to wait for.
    this.#una = serialDistance(first, this.#ring.nextSeq) > 0 ? this.#ring.nextSeq : first;
    this.#nxt = this.#una;
    this.#window = settings.reportWindow;
    this.#timer.setRto(settings.rtoMs);
  }

  /** The ring began a new life: to the gateway its oldest report is the first (SPEC §5.6). */
  startEpoch(): void {
    this.#una = this.#ring.positions.oldestSeq;
    this.#nxt = this.#una;
    this.#timer.progress();
  }

  acknowledge(storedSeq: number): void {
    const stored = serialAdd(storedSeq, 1);
    if (serialDistance(stored, this.#una) <= 0 || serialDistance(stored, this.#ring.nextSeq) > 0) return;
    this.#una = stored;
    if (serialDistance(this.#nxt, stored) < 0) this.#nxt = stored;
    this.#timer.progress();
  }

  /** Lets a due time-out go back; call before `next`. */
  poll(nowMs: number): void {
    if (nowMs < this.#timer.atMs) return;
    this.#timer.backOff();
    this.#nxt = this.#una;
  }

  /** The next report that the window allows; it counts as sent. */
  next(nowMs: number): ReportMessage | undefined {
    const ahead = serialDistance(this.#nxt, this.#una);
    if (ahead > 0) this.#timer.arm(nowMs);
    if (this.#nxt === this.#ring.nextSeq || ahead >= this.#window) return undefined;
    this.#timer.arm(nowMs);
    const seq = this.#nxt;
    const { oldestSeq } = this.#ring.positions;
    const missing = serialDistance(oldestSeq, seq);
    if (missing > 0) {
      this.#nxt = oldestSeq;
      return { kind: "report", seq, ageMs: null, body: { type: "gap", count: missing } };
    }
    const entry = this.#ring.read(seq);
    if (!entry) return undefined;
    this.#nxt = serialAdd(seq, 1);
    return { kind: "report", seq, ageMs: ageOf(entry, nowMs), body: entry.body };
  }
}
