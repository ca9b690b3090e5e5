import type { Metrics } from "../foundation/metrics.ts";

/** What the kubelet API counts. */
export type KubeletMetrics = ReturnType<typeof declareKubeletMetrics>;

export function declareKubeletMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter("motelet_kubelet_requests_total", "Answered requests of the kubelet API", [
      "route",
      "code",
    ]),
    refusals: metrics.counter(
      "motelet_kubelet_refusals_total",
      "Requests turned away before they were served",
      ["reason"],
    ),
    openStreams: metrics.gauge("motelet_kubelet_open_streams", "Log and exec streams being served", [
      "route",
    ]),
    spdyErrors: metrics.counter(
      "motelet_kubelet_spdy_errors_total",
      "SPDY connections ended by a broken protocol",
      ["reason"],
    ),
    tlsErrors: metrics.counter("motelet_kubelet_tls_errors_total", "TLS handshakes that failed"),
  };
}
