import { type ReportMessage, type RingPositions, serialAdd, serialDistance } from "@motelet/profiles";
import type { Clock } from "../../foundation/clock.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import type { ReportPosition } from "../../store/journal.ts";
import type { Store } from "../../store/store.ts";
import { formatReport } from "./report-text.ts";

/** Reports of one device that may wait for their commit; its reportWindow is far below. */
export const maxPendingReports = 64;

/** Where one device's ring stands. */
interface RingState {
  readonly epoch: number;
  /** The last report in the store: the number in acks. */
  storedSeq: number;
  /** The last report that was accepted; it may still wait for its commit. */
  takenSeq: number;
  /** The journal's position after everything that waits is committed. */
  position: ReportPosition | undefined;
  pending: number;
}

/**
 * Accepts devices' reports in order, stores each with its position in one transaction, and acknowledges only stored
 * ones (SPEC §5.6). Log reports are written to the device's log; an age of null puts them into the previous boot.
 */
export class Reports {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #rings = new Map<string, RingState>();
  readonly #taken;
  readonly #refused;

  constructor(options: { store: Store; clock: Clock; metrics: Metrics; log: Logger }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#taken = options.metrics.counter("motelet_reports_total", "Reports that were accepted.", ["type"]);
    this.#refused = options.metrics.counter(
      "motelet_reports_refused_total",
      "Reports that were not accepted.",
      ["reason"],
    );
  }

  /** Starts with the ring that a hello names. */
  begin(device: string, ring: RingPositions | undefined): void {
    if (!ring) {
      this.#rings.delete(device);
      return;
    }
    const known = this.#rings.get(device);
    const position = known ? known.position : this.#store.journal.position(device);
    const state = known?.epoch === ring.epoch ? known : ringFrom(ring, position);
    const newestSeq = serialAdd(ring.nextSeq, -1);
    const lostSeq = serialAdd(ring.oldestSeq, -1);
    const ahead = serialDistance(state.takenSeq, newestSeq) > 0;
    const overwritten = serialDistance(lostSeq, state.takenSeq) > 0;
    if (ahead || overwritten) {
      // The ring does not go on where it was left (its memory was lost, or it broke the rule on gaps): go on with it.
      this.#log.warn({ device, storedSeq: state.storedSeq, ...ring }, "ring does not follow what is stored");
      this.#refused.inc({ reason: "ring-jump" });
      state.storedSeq = lostSeq;
      state.takenSeq = lostSeq;
    }
    this.#rings.set(device, state);
  }

  /** The number to put into welcomes and acks. */
  storedSeq(device: string): number {
    return this.#rings.get(device)?.storedSeq ?? 0;
  }

  /** @param ack is called once, when the report is stored */
  take(device: string, report: ReportMessage, ack: (storedSeq: number) => void): void {
    const ring = this.#rings.get(device);
    if (!ring) {
      this.#refused.inc({ reason: "no-ring" });
      return;
    }
    if (report.seq !== serialAdd(ring.takenSeq, 1)) {
      this.#refused.inc({ reason: "not-next" });
      ack(ring.storedSeq);
      return;
    }
    if (ring.pending >= maxPendingReports) {
      this.#refused.inc({ reason: "too-many-pending" });
      return;
    }
    this.#keep(device, ring, report, ack);
  }

  forget(device: string): void {
    this.#rings.delete(device);
  }

  #keep(device: string, ring: RingState, report: ReportMessage, ack: (storedSeq: number) => void): void {
    const { body, ageMs } = report;
    const { epoch, position: from } = ring;
    const to = { epoch, seq: serialAdd(report.seq, body.type === "gap" ? body.count - 1 : 0) };
    const text = formatReport(body);
    const stampMs = this.#clock.wallMs() - (ageMs ?? 0);
    ring.takenSeq = to.seq;
    ring.position = to;
    ring.pending += 1;
    const stored = this.#store.database.write((transaction) => {
      this.#store.journal.advance(transaction, device, from, to);
      const choice = ageMs === null ? "previous" : "this";
      if (text === undefined) return;
      this.#store.logs.endLine(transaction, device, choice, stampMs);
      const lines = text.split(/\r?\n/).map((line) => ({ stampMs, text: `${line}\n` }));
      this.#store.logs.append(transaction, device, choice, lines);
    });
    stored.then(
      () => {
        ring.pending -= 1;
        this.#taken.inc({ type: body.type });
        ring.storedSeq = to.seq;
        if (this.#rings.get(device) === ring) ack(ring.storedSeq);
      },
      (error: unknown) => {
        ring.pending -= 1;
        this.#refused.inc({ reason: "not-stored" });
        this.#log.error({ device, err: error }, "report could not be stored");
        // The device sends it again; whatever waits behind it fails too, because the position did not move.
        const position = this.#store.journal.position(device);
        ring.position = position;
        ring.takenSeq = ring.storedSeq;
      },
    );
  }
}

/** For a ring that is not the stored one, everything that it holds is new. */
function ringFrom(ring: RingPositions, position: ReportPosition | undefined): RingState {
  const seq = position?.epoch === ring.epoch ? position.seq : serialAdd(ring.oldestSeq, -1);
  return { epoch: ring.epoch, storedSeq: seq, takenSeq: seq, position, pending: 0 };
}
