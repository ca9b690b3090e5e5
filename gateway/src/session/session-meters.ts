import type { Metrics } from "../foundation/metrics.ts";

/** Metrics that all sessions share. */
export type SessionMeters = ReturnType<typeof sessionMeters>;

export function sessionMeters(metrics: Metrics) {
  return {
    /** Requests that were not sent: too many under way, or nothing could be stored. */
    requestsRefused: metrics.counter("motelet_requests_refused_total", "Requests that were not sent.", [
      "status",
    ]),
    requestsRepeated: metrics.counter(
      "motelet_requests_repeated_total",
      "Repetitions of unanswered requests.",
    ),
    requests: metrics.counter("motelet_requests_total", "Requests that were sent, by command and outcome.", [
      "command",
      "status",
    ]),
    streamsRefused: metrics.counter(
      "motelet_streams_refused_total",
      "Streams that were refused because no id was free.",
    ),
    strayData: metrics.counter("motelet_stray_data_total", "Data messages for streams that are not open."),
    pings: metrics.counter("motelet_pings_total", "Pings to devices that were silent."),
  };
}
