import type { Answer } from "./answers.ts";

/** Version 0.0.4 of Prometheus' text format, as kubelets answer it. */
export const expositionType = "text/plain; version=0.0.4; charset=utf-8";

/**
 * Metrics paths under which a kubelet tells of itself, of cgroups and of probes: a device has none of them, and a scrape
 * of its Node must still succeed. The gateway's own metrics are the operations server's, or they would count once a Node.
 */
export function answerEmptyMetrics(): Answer {
  return { code: 200, text: "", contentType: expositionType };
}
