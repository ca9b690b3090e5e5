import { createHash, type KeyObject, randomBytes, sign } from "node:crypto";
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
  clientAuth: "1.3.6.1.5.5.7.3.2",
} as const;

export interface DistinguishedName {
  readonly commonName: string;
  readonly organizations: readonly string[];
}

/** What the certificate is for; decides its basic constraints and key usages. */
export type CertificateUse = "server" | "client" | "authority";

export interface CertificateRequest {
  readonly subject: DistinguishedName;
  readonly issuer: DistinguishedName;
  /** An EC key on P-256. */
  readonly publicKey: KeyObject;
  /** The issuer's, also an EC key. */
  readonly signingKey: KeyObject;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly use: CertificateUse;
  readonly dnsNames?: readonly string[];
  /** IP addresses as 4 or 16 bytes. */
  readonly addresses?: readonly Uint8Array[];
}

/**
 * Makes and signs an X.509 v3 certificate (RFC 5280), ECDSA with SHA-256, with a random 128-bit serial number.
 * @returns PEM
 */
export function signCertificate(request: CertificateRequest): string {
  const publicKeyInfo = request.publicKey.export({ type: "spki", format: "der" });
  const algorithm = sequence(objectId(oid.ecdsaWithSha256));
  const body = sequence(
    explicitly(0, integer(Buffer.of(2))),
    integer(serialNumber()),
    algorithm,
    encodeName(request.issuer),
    sequence(x509Time(request.notBeforeMs), x509Time(request.notAfterMs)),
    encodeName(request.subject),
    publicKeyInfo,
    explicitly(3, encodeExtensions(request, publicKeyInfo)),
  );
  const certificate = sequence(body, algorithm, bitString(sign("sha256", body, request.signingKey)));
  const lines = certificate.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** Positive, and its first byte is not zero. */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8() & 0x7f) | 0x40);
  return serial;
}

function encodeName({ commonName, organizations }: DistinguishedName): Buffer {
  const attribute = (type: string, value: string) => setOf(sequence(objectId(type), utf8String(value)));
  return sequence(
    ...organizations.map((name) => attribute(oid.organization, name)),
    attribute(oid.commonName, commonName),
  );
}

function encodeExtensions(request: CertificateRequest, publicKeyInfo: Buffer): Buffer {
  const { use, dnsNames = [], addresses = [] } = request;
  const names = [
    ...dnsNames.map((dnsName) => implicitly(2, Buffer.from(dnsName, "latin1"))),
    ...addresses.map((address) => implicitly(7, address)),
  ];
  const isAuthority = use === "authority";
  const keyId = createHash("sha1").update(publicKeyInfo).digest();
  // Bit 0 is digitalSignature, bit 5 keyCertSign.
  const keyUsage = isAuthority ? bitString(Buffer.of(0x04), 2) : bitString(Buffer.of(0x80), 7);
  const extended = objectId(use === "client" ? oid.clientAuth : oid.serverAuth);
  const constraints = isAuthority ? sequence(booleanTrue()) : sequence();
  return sequence(
    sequence(objectId(oid.basicConstraints), booleanTrue(), octetString(constraints)),
    sequence(objectId(oid.keyUsage), booleanTrue(), octetString(keyUsage)),
    ...(isAuthority ? [] : [sequence(objectId(oid.extKeyUsage), octetString(sequence(extended)))]),
    sequence(objectId(oid.subjectKeyIdentifier), octetString(octetString(keyId))),
    ...(names.length === 0 ? [] : [sequence(objectId(oid.subjectAltName), octetString(sequence(...names)))]),
  );
}
