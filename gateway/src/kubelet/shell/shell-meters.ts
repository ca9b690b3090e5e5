import type { Metrics } from "../../foundation/metrics.ts";

export type ShellMeters = ReturnType<typeof declareShellMeters>;

export function declareShellMeters(metrics: Metrics) {
  return {
    open: metrics.gauge("motelet_shells_open", "Shells that the gateway plays now."),
    shells: metrics.counter(
      "motelet_shells_total",
      "Shells that the gateway played, by what they were for and how they ended.",
      ["kind", "outcome"],
    ),
  };
}
