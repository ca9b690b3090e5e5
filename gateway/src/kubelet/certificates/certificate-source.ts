import type { ServingCertificate } from "./serving-certificate.ts";

/** The possible sources of the kubelet API's certificate. */
export const certificateModes = ["self-signed", "files", "csr"] as const;
export type CertificateMode = (typeof certificateModes)[number];

/** The source of the kubelet API's certificate and of its successors. Dispose it to stop following it. */
export interface CertificateSource extends Disposable {
  /**
   * Returns a certificate to serve with at once, and starts to look for newer ones.
   * @param changed called with each certificate that replaces the previous one; must not throw
   * @throws ConfigError if there is no certificate to serve with
   */
  start(changed: (certificate: ServingCertificate) => void): Promise<ServingCertificate>;
}

/** A source whose certificate never changes. */
export function fixedCertificate(make: () => Promise<ServingCertificate>): CertificateSource {
  return { start: make, [Symbol.dispose]: () => undefined };
}
