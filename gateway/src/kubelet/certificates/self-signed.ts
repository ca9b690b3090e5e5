import type { ServingCertificate, ServingSubject } from "./serving-certificate.ts";

export interface SelfSignedOptions {
  readonly subject: ServingSubject;
  readonly nowMs: number;
  readonly validDays?: number;
}

const hourMs = 3_600_000;

/**
 * Creates a self-signed serving certificate on P-256 for server use only. It is valid from an hour ago, for API servers
 * whose clock is behind, and for ten years: clusters that check certificates mount their own or have them signed.
 */
export async function selfSignedCertificate(options: SelfSignedOptions): Promise<ServingCertificate> {
  const { subject, nowMs, validDays = 3_650 } = options;
  const { signItself } = await import("./certificate-library.ts");
  return signItself({
    ...subject,
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + validDays * 24 * hourMs,
  });
}
