import { isIP } from "node:net";
import { ConfigError } from "../../foundation/errors.ts";

/** The certificate and key with which the kubelet API serves TLS. */
export interface ServingCertificate {
  /** The leaf certificate, and the intermediates up to the authority. */
  readonly certPem: string;
  readonly keyPem: string;
}

/** The subject of a serving certificate. */
export interface ServingSubject {
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  /** The InternalIPs of the Nodes. */
  readonly addresses: readonly string[];
}

/**
 * The subject that the signer kubernetes.io/kubelet-serving demands: CN `system:node:<name>`, O `system:nodes`, and at
 * least one address or DNS name.
 * @param name the Node of the listener; "motelet" for the shared one
 * @throws ConfigError if there is no name to certify or an address is invalid
 */
export function servingSubject(
  name: string,
  addresses: readonly string[],
  dnsNames: readonly string[] = [],
): ServingSubject {
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
  return { commonName: `system:node:${name}`, organization: "system:nodes", dnsNames, addresses };
}
