import { X509Certificate } from "node:crypto";
import type { Metrics } from "../../foundation/metrics.ts";

export type CertificateMeters = ReturnType<typeof declareCertificateMeters>;

/** To be called once a gateway: all of its listeners share these. */
export function declareCertificateMeters(metrics: Metrics) {
  const ends = metrics.gauge(
    "motelet_kubelet_certificate_end_timestamp_seconds",
    "When the certificate that the kubelet API serves with ends; node is empty for the listener of all Nodes",
    ["node"],
  );
  return {
    reloads: metrics.counter(
      "motelet_kubelet_certificate_reloads_total",
      "Changed files of the kubelet API's certificate or client CA, by whether they could be used",
      ["outcome"],
    ),
    requests: metrics.counter(
      "motelet_kubelet_certificate_requests_total",
      "CertificateSigningRequests of the kubelet API that have ended, by how",
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
