import { generateKeyPairSync } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { ConfigError } from "../foundation/errors.ts";
import { signCertificate } from "./certificate.ts";

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
const name = { commonName: "system:node:motelet", organizations: ["system:nodes"] };

/**
 * Makes a self-signed serving certificate: P-256, CN `system:node:motelet`, O `system:nodes`, server use only, SANs as
 * given; the shape that the signer kubernetes.io/kubelet-serving demands. It starts an hour ago, for API servers whose
 * clock is behind, and lasts ten years: clusters that check certificates mount their own.
 * @throws ConfigError where there is no name to certify or an address is none
 */
export function selfSignedCertificate(options: ServingCertificateOptions): ServingCertificate {
  const { addresses, dnsNames = [], nowMs, validDays = 3_650 } = options;
  if (addresses.length + dnsNames.length === 0)
    throw new ConfigError(
      "CERTIFICATE_NAMES",
      "a serving certificate needs at least one address or DNS name",
    );
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const certPem = signCertificate({
    subject: name,
    issuer: name,
    publicKey,
    signingKey: privateKey,
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + validDays * 24 * hourMs,
    use: "server",
    dnsNames,
    addresses: addresses.map(addressBytes),
  });
  return { certPem, keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** 4 or 16 bytes. The URL parser writes an IPv6 address out in its one canonical form. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (!isIPv6(address) || address.includes("%"))
    throw new ConfigError(
      "CERTIFICATE_NAMES",
      `cannot certify ${JSON.stringify(address)}: not an IP address`,
    );
  const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [left = "", right] = canonical.split("::");
  const groups = (text: string | undefined) => (text ? text.split(":") : []);
  const zeros = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array<string>(zeros).fill("0"), ...groups(right)];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}
