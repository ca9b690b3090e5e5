// The certificate library is built with decorators and wants this first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import type { ServingSubject } from "../serving-certificate.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/**
 * Makes a key on P-256 and a request to certify it (PKCS #10, RFC 2986) in the shape that the signer
 * kubernetes.io/kubelet-serving demands. Loads the certificate library, like self-signed.ts: to be imported when needed.
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
