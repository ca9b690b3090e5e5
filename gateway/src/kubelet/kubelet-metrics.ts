import type { Metrics } from "../foundation/metrics.ts";
import type { CacheMeter } from "./access/expiring-cache.ts";

/** Metrics of the kubelet API. */
export type KubeletMetrics = ReturnType<typeof declareKubeletMetrics>;

/** Connects a cache of reviews with the metrics. */
export function reviewMeter(meters: KubeletMetrics, review: "token" | "access"): CacheMeter {
  return {
    answered: (result) => meters.reviews.inc({ review, result }),
    kept: (entries) => meters.reviewsKept.set({ review }, entries),
  };
}

export function declareKubeletMetrics(metrics: Metrics) {
  return {
    requests: metrics.counter("motelet_kubelet_requests_total", "Answered requests of the kubelet API", [
      "route",
      "code",
    ]),
    refusals: metrics.counter(
      "motelet_kubelet_refusals_total",
      "Requests that were refused before they were served",
      ["reason"],
    ),
    openStreams: metrics.gauge(
      "motelet_kubelet_open_streams",
      "Log, exec, attach and port-forward connections being served",
      ["route"],
    ),
    protocolErrors: metrics.counter(
      "motelet_kubelet_protocol_errors_total",
      "SPDY and WebSocket connections ended because the client broke the protocol or a limit",
      ["reason"],
    ),
    streamRefusals: metrics.counter(
      "motelet_kubelet_stream_refusals_total",
      "Streams on upgraded connections that were refused while the connection continued",
      ["reason"],
    ),
    streamTimeouts: metrics.counter(
      "motelet_kubelet_stream_timeouts_total",
      "Upgraded connections, or streams of them, that were ended because a time limit expired",
      ["reason"],
    ),
    forwards: metrics.counter(
      "motelet_kubelet_port_forwards_total",
      "Connections through port-forward that have ended, by outcome",
      ["status"],
    ),
    openForwards: metrics.gauge(
      "motelet_kubelet_open_port_forwards",
      "Connections through port-forward being served or waiting for their device",
    ),
    reviews: metrics.counter(
      "motelet_kubelet_reviews_total",
      "Lookups of tokens (token) and rights (access) of callers, by source of the answer",
      ["review", "result"],
    ),
    reviewsKept: metrics.gauge("motelet_kubelet_reviews_kept", "Cached answers about tokens and rights", [
      "review",
    ]),
    clientCaReads: metrics.counter(
      "motelet_kubelet_client_ca_reads_total",
      "Reads of the cluster's client CA, by outcome",
      ["outcome"],
    ),
    tlsErrors: metrics.counter("motelet_kubelet_tls_errors_total", "TLS handshakes that failed"),
  };
}
