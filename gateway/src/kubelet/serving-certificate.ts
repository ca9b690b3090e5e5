import { isIP } from "node:net";
import { ConfigError } from "../foundation/errors.ts";

/** What the kubelet API serves TLS with. */
export interface ServingCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface ServingCertificateOptions {
  /** What the Nodes give as InternalIP. */
  readonly addresses: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly nowMs: number;
  readonly validDays?: number;
}

const hourMs = 3_600_000;

/**
 * Makes a self-signed serving certificate: P-256, CN `system:node:motelet`, O `system:nodes`, server use only, SANs as
 * given; the shape that the signer kubernetes.io/kubelet-serving demands. It starts an hour ago, for API servers whose
 * clock is behind, and lasts ten years: clusters that check certificates mount their own.
 * @throws ConfigError where there is no name to certify or an address is none
 */
export async function selfSignedCertificate(options: ServingCertificateOptions): Promise<ServingCertificate> {
  const { addresses, dnsNames = [], nowMs, validDays = 3_650 } = options;
  if (addresses.length + dnsNames.length === 0)
    throw new ConfigError(
      "CERTIFICATE_NAMES",
      "a serving certificate needs at least one address or DNS name",
    );
  for (const address of addresses) {
    if (isIP(address) === 0 || address.includes("%"))
      throw new ConfigError(
        "CERTIFICATE_NAMES",
        `cannot certify ${JSON.stringify(address)}: not an IP address`,
      );
  }
  const { signItself } = await import("./self-signed.ts");
  return signItself({
    commonName: "system:node:motelet",
    organization: "system:nodes",
    dnsNames,
    addresses,
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + validDays * 24 * hourMs,
  });
}
