import type { Counter, Gauge } from "prom-client";
import type { Metrics } from "../../foundation/metrics.ts";

/** Metrics of the serial transport. */
export class SerialMeters {
  readonly #open: Gauge;
  readonly #failures: Counter<"reason">;
  readonly #received: Counter;
  readonly #dropped: Counter<"reason">;
  readonly #badFrames: Counter<"port">;

  constructor(metrics: Metrics) {
    this.#open = metrics.gauge("motelet_serial_open_ports", "Serial ports that are open");
    this.#failures = metrics.counter("motelet_serial_failures_total", "Serial ports lost or not opened", [
      "reason",
    ]);
    this.#received = metrics.counter("motelet_serial_received_total", "Messages received in good frames");
    this.#dropped = metrics.counter(
      "motelet_serial_dropped_total",
      "Output that did not fit into the buffer",
      ["reason"],
    );
    this.#badFrames = metrics.counter("motelet_serial_bad_frames_total", "Frames that did not decode", [
      "port",
    ]);
  }

  opened(): void {
    this.#open.inc();
  }

  closed(): void {
    this.#open.dec();
  }

  failed(reason: "open" | "lost" | "selector"): void {
    this.#failures.inc({ reason });
  }

  received(): void {
    this.#received.inc();
  }

  dropped(reason: "message"): void {
    this.#dropped.inc({ reason });
  }

  badFrames(port: string, count: number): void {
    this.#badFrames.inc({ port }, count);
  }

  /** Removes the series of a port that no Device names any more. */
  forget(port: string): void {
    this.#badFrames.remove({ port });
  }
}
