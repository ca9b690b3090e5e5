import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { ConfigError } from "../foundation/errors.ts";
import {
  bitString,
  booleanTrue,
  explicitly,
  implicitly,
  integer,
  objectId,
  octetString,
  sequence,
  setOf,
  utf8String,
  x509Time,
} from "./der.ts";

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
const oid = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  extKeyUsage: "2.5.29.37",
  serverAuth: "1.3.6.1.5.5.7.3.1",
};

/**
 * Makes a self-signed serving certificate (RFC 5280): P-256, CN `system:node:motelet`, O `system:nodes`, server use
 * only, SANs as given; the shape that the signer kubernetes.io/kubelet-serving demands. It starts an hour ago, for
 * API servers whose clock is behind, and lasts ten years: clusters that check it mount their own.
 * Written by hand because the library for it costs 0.2 s, 18 MB and a global polyfill at start.
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
  const publicKeyInfo = publicKey.export({ type: "spki", format: "der" });
  const name = sequence(
    setOf(sequence(objectId(oid.organization), utf8String("system:nodes"))),
    setOf(sequence(objectId(oid.commonName), utf8String("system:node:motelet"))),
  );
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const body = sequence(
    explicitly(0, integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    name,
    sequence(x509Time(nowMs - hourMs), x509Time(nowMs + validDays * 24 * hourMs)),
    name,
    publicKeyInfo,
    explicitly(3, extensions(publicKeyInfo, addresses, dnsNames)),
  );
  const certificate = sequence(body, algorithm, bitString(sign("sha256", body, privateKey)));
  return {
    certPem: formatPem(certificate),
    keyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** 128 bits, positive, the first byte not zero. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  return serial;
}

function extensions(
  publicKeyInfo: Buffer,
  addresses: readonly string[],
  dnsNames: readonly string[],
): Buffer {
  const digitalSignature = bitString(Buffer.of(0x80), 7);
  const names = [
    ...dnsNames.map((dnsName) => implicitly(2, Buffer.from(dnsName, "latin1"))),
    ...addresses.map((address) => implicitly(7, addressBytes(address))),
  ];
  const keyId = createHash("sha1").update(publicKeyInfo).digest();
  return sequence(
    sequence(objectId(oid.basicConstraints), booleanTrue(), octetString(sequence())),
    sequence(objectId(oid.keyUsage), booleanTrue(), octetString(digitalSignature)),
    sequence(objectId(oid.extKeyUsage), octetString(sequence(objectId(oid.serverAuth)))),
    sequence(objectId(oid.subjectKeyIdentifier), octetString(octetString(keyId))),
    sequence(objectId(oid.subjectAltName), octetString(sequence(...names))),
  );
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

function formatPem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
