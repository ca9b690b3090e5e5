// The only module that loads the certificate library, which takes 20 MB and 150 ms: it is imported when there is something
// to sign. The library is built with decorators and wants this first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import type { ServingCertificate, ServingSubject } from "./serving-certificate.ts";

/** The subject of the certificate; every name and address has been checked. */
export interface SelfSignedRequest {
  readonly commonName: string;
  readonly organization: string;
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Makes a key on P-256 and a server certificate signed with it (RFC 5280). */
export async function signItself(request: SelfSignedRequest): Promise<ServingCertificate> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: new x509.Name([{ O: [request.organization] }, { CN: [request.commonName] }]).toString(),
      keys,
      notBefore: new Date(request.notBeforeMs),
      notAfter: new Date(request.notAfterMs),
      signingAlgorithm: ecdsa,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        new x509.SubjectAlternativeNameExtension(
          [...request.dnsNames, ...request.addresses].map((value) => ({
            type: isIP(value) ? "ip" : "dns",
            value,
          })),
        ),
      ],
    },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certPem: certificate.toString("pem"),
    keyPem: x509.PemConverter.encode(privateKey, "PRIVATE KEY"),
  };
}

/**
 * Makes a key on P-256 and a request to certify it (PKCS #10, RFC 2986) in the shape that the signer
 * kubernetes.io/kubelet-serving demands.
 */
export async function makeSigningRequest(
  subject: ServingSubject,
): Promise<{ keyPem: string; requestPem: string }> {
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  const names = [...subject.dnsNames, ...subject.addresses].map((value) => ({
    type: isIP(value) ? ("ip" as const) : ("dns" as const),
    value,
  }));
  const request = await x509.Pkcs10CertificateRequestGenerator.create(
    {
      name: new x509.Name([{ O: [subject.organization] }, { CN: [subject.commonName] }]).toString(),
      keys,
      signingAlgorithm: ecdsa,
      extensions: [new x509.SubjectAlternativeNameExtension(names)],
    },
    webcrypto,
  );
  const privateKey = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    keyPem: x509.PemConverter.encode(privateKey, "PRIVATE KEY"),
    requestPem: request.toString("pem"),
  };
}
