import { X509Certificate } from "node:crypto";
import type { Metrics } from "../../foundation/metrics.ts";

export type CertificateMeters = ReturnType<typeof declareCertificateMeters>;

/** Call it once per gateway: all listeners share these metrics. */
export function declareCertificateMeters(metrics: Metrics) {
  const ends = metrics.gauge(
    "motelet_kubelet_certificate_end_timestamp_seconds",
    "Expiry of the kubelet API's certificate; node is empty for the shared listener",
    ["node"],
  );
  return {
    reloads: metrics.counter(
      "motelet_kubelet_certificate_reloads_total",
      "Reloads of the kubelet API's certificate and client CA files, by outcome",
      ["outcome"],
    ),
    requests: metrics.counter(
      "motelet_kubelet_certificate_requests_total",
      "CertificateSigningRequests of the kubelet API that have ended, by outcome",
      ["outcome"],
    ),
    waiting: metrics.gauge(
      "motelet_kubelet_certificate_requests_waiting",
      "CertificateSigningRequests of the kubelet API that wait for their approval",
    ),
    served: (node: string, certPem: string) =>
      ends.set({ node }, new X509Certificate(certPem).validToDate.getTime() / 1000),
    forget: (node: string) => ends.remove({ node }),
  };
}
