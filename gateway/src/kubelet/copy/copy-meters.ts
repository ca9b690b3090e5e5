import type { Metrics } from "../../foundation/metrics.ts";

export type CopyMeters = ReturnType<typeof declareCopyMeters>;

export function declareCopyMeters(metrics: Metrics) {
  return {
    open: metrics.gauge("motelet_copies_open", "Copies of files that are under way."),
    copies: metrics.counter("motelet_copies_total", "Copies of files, by direction and how they ended.", [
      "direction",
      "outcome",
    ]),
    bytes: metrics.counter("motelet_copy_bytes_total", "Bytes of archives and files that were copied.", [
      "direction",
    ]),
  };
}
