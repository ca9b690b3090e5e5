import type { ReportMessage } from "@motelet/profiles";
import { serialAdd, serialDistance } from "@motelet/profiles";
import { ageOf, type LogRing } from "./log-ring.ts";
import { RetransmitTimer } from "./retransmit-timer.ts";

/** Reports that wait unacknowledged beyond which the ring needs a new epoch: serial arithmetic holds to 2^15. */
const maxUnacknowledged = 0x7fff;

/**
 * Sends the ring's reports in order, and repeats them until they are stored: go-back-N over sequence numbers (SPEC
 * §5.6). Reports that were overwritten before they were stored are missing: the range from the first unstored number to
 * the oldest remaining one is sent as one gap.
 */
export class ReportSender {
  readonly #ring: LogRing;
  readonly #timer: RetransmitTimer;
  #window = 1;
  /** The last report that the gateway has stored. */
  #storedSeq: number;
  /** The next report to send. */
  #sendSeq: number;

  constructor(ring: LogRing, rtoMs: number) {
    this.#ring = ring;
    this.#timer = new RetransmitTimer(rtoMs);
    this.#storedSeq = serialAdd(ring.positions.oldestSeq, -1);
    this.#sendSeq = ring.positions.oldestSeq;
  }

  get deadlineMs(): number {
    return this.#timer.atMs;
  }

  /** Whether so much is waiting that report numbers become ambiguous: then the ring needs a new epoch. */
  get exhausted(): boolean {
    return this.waiting >= maxUnacknowledged;
  }

  /** Reports that the gateway has not stored. */
  get waiting(): number {
    return (this.#ring.nextSeq - this.#firstSeq) & 0xffff;
  }

  /** Starts again after the last report that the gateway has stored. */
  restart(settings: {
    readonly storedSeq: number;
    readonly reportWindow: number;
    readonly rtoMs: number;
  }): void {
    const newest = serialAdd(this.#ring.nextSeq, -1);
    // The gateway cannot have stored more than was ever recorded.
    this.#storedSeq = serialDistance(settings.storedSeq, newest) > 0 ? newest : settings.storedSeq;
    this.#sendSeq = this.#firstSeq;
    this.#window = settings.reportWindow;
    this.#timer.setRto(settings.rtoMs);
  }

  /** The ring has a new epoch: for the gateway its oldest report is the first one (SPEC §5.6). */
  startEpoch(): void {
    this.#sendSeq = this.#ring.positions.oldestSeq;
    this.#storedSeq = serialAdd(this.#sendSeq, -1);
    this.#timer.stop();
  }

  acknowledge(storedSeq: number): void {
    const newest = serialAdd(this.#ring.nextSeq, -1);
    if (serialDistance(storedSeq, this.#storedSeq) <= 0 || serialDistance(storedSeq, newest) > 0) return;
    this.#storedSeq = storedSeq;
    if (serialDistance(this.#sendSeq, this.#firstSeq) < 0) this.#sendSeq = this.#firstSeq;
    this.#timer.stop();
  }

  /** Goes back after a time-out that is due; call it before `next`. */
  poll(nowMs: number): void {
    if (nowMs < this.#timer.atMs) return;
    this.#timer.backOff();
    this.#sendSeq = this.#firstSeq;
  }

  /** The next report that the window allows; it counts as sent. */
  next(nowMs: number): ReportMessage | undefined {
    const ahead = serialDistance(this.#sendSeq, this.#firstSeq);
    if (ahead > 0) this.#timer.arm(nowMs);
    if (this.#sendSeq === this.#ring.nextSeq || ahead >= this.#window) return undefined;
    this.#timer.arm(nowMs);
    const seq = this.#sendSeq;
    const { oldestSeq } = this.#ring.positions;
    const missing = serialDistance(oldestSeq, seq);
    if (missing > 0) {
      this.#sendSeq = oldestSeq;
      return { kind: "report", seq, ageMs: null, body: { type: "gap", count: missing } };
    }
    const entry = this.#ring.read(seq);
    if (!entry) return undefined;
    this.#sendSeq = serialAdd(seq, 1);
    return { kind: "report", seq, ageMs: ageOf(entry, nowMs), body: entry.body };
  }

  /** The first report that is not stored. */
  get #firstSeq(): number {
    return serialAdd(this.#storedSeq, 1);
  }
}
