import { isIP } from "node:net";
import { ConfigError } from "../../foundation/errors.ts";

/** What the kubelet API serves TLS with. */
export interface ServingCertificate {
  /** The leaf, and what is between it and the authority. */
  readonly certPem: string;
  readonly keyPem: string;
}

/** Whom a serving certificate is for. */
export interface ServingSubject {
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  /** What the Nodes give as InternalIP. */
  readonly addresses: readonly string[];
}

/**
 * The subject that the signer kubernetes.io/kubelet-serving demands: CN `system:node:<name>`, O `system:nodes`, and at
 * least one address or DNS name.
 * @param name the Node whose listener it is; "motelet" for the one that serves all
 * @throws ConfigError if there is no name to certify or an address is none
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
