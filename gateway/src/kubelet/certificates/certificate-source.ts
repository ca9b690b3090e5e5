import type { ServingCertificate } from "./serving-certificate.ts";

/** Where certificates of the kubelet API may come from. */
export const certificateModes = ["self-signed", "files", "csr"] as const;
export type CertificateMode = (typeof certificateModes)[number];

/** Where the kubelet API's certificate comes from, and the ones that follow it. Dispose to follow no longer. */
export interface CertificateSource extends Disposable {
  /**
   * Gives a certificate to serve with at once, and begins to look for others.
   * @param changed told of each certificate that takes the place of the one before; must not throw
   * @throws ConfigError if there is none to serve with
   */
  start(changed: (certificate: ServingCertificate) => void): Promise<ServingCertificate>;
}

/** A certificate that stays. */
export function fixedCertificate(make: () => Promise<ServingCertificate>): CertificateSource {
  return { start: make, [Symbol.dispose]: () => undefined };
}
