import { createPrivateKey, X509Certificate } from "node:crypto";
import type { V1CertificateSigningRequest } from "@kubernetes/client-node";
import { messageOf } from "../../foundation/errors.ts";
import type { Wire } from "../../kubeapi/objects.ts";
import type { ServingCertificate, ServingSubject } from "./serving-certificate.ts";

export const csrPath = "/apis/certificates.k8s.io/v1/certificatesigningrequests";

/** The part of a CertificateSigningRequest that the gateway reads. */
export type SigningRequestObject = Pick<Wire<V1CertificateSigningRequest>, "metadata" | "status">;

/** The state of a request. */
export type RequestState =
  | { readonly state: "waiting" }
  | { readonly state: "denied" | "failed"; readonly reason: string }
  | { readonly state: "issued"; readonly certPem: string };

/**
 * The object that requests a serving certificate from the signer kubernetes.io/kubelet-serving. An EC key needs no key
 * encipherment.
 * @param expirationSeconds undefined: the signer's default, usually a year
 */
export function buildSigningRequest(name: string, requestPem: string, expirationSeconds: number | undefined) {
  return {
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    metadata: { name, labels: { "app.kubernetes.io/managed-by": "motelet" } },
    spec: {
      request: Buffer.from(requestPem).toString("base64"),
      signerName: "kubernetes.io/kubelet-serving",
      usages: ["digital signature", "server auth"],
      ...(expirationSeconds === undefined ? {} : { expirationSeconds }),
    },
  };
}

export function judgeRequest({ status }: SigningRequestObject): RequestState {
  for (const [type, state] of [
    ["Denied", "denied"],
    ["Failed", "failed"],
  ] as const) {
    const condition = status?.conditions?.find((given) => given.type === type);
    if (condition) return { state, reason: [condition.reason, condition.message].filter(Boolean).join(": ") };
  }
  if (!status?.certificate) return { state: "waiting" };
  return { state: "issued", certPem: Buffer.from(status.certificate, "base64").toString("utf8") };
}

/**
 * Checks whether a certificate can be served for a subject now.
 * @returns the reason if it cannot, otherwise undefined
 */
export function unusableReason(
  { certPem, keyPem }: ServingCertificate,
  subject: ServingSubject,
  nowMs: number,
): string | undefined {
  try {
    const leaf = new X509Certificate(certPem);
    if (!leaf.checkPrivateKey(createPrivateKey(keyPem))) return "it is for another key";
    if (leaf.validToDate.getTime() <= nowMs) return `it ended ${leaf.validToDate.toISOString()}`;
    if (!leaf.subject.split("\n").includes(`CN=${subject.commonName}`))
      return `it is for ${JSON.stringify(leaf.subject)}`;
    const uncovered = [
      ...subject.addresses.filter((address) => leaf.checkIP(address) === undefined),
      ...subject.dnsNames.filter((name) => leaf.checkHost(name) === undefined),
    ];
    return uncovered.length === 0 ? undefined : `it does not name ${uncovered.join(", ")}`;
  } catch (error) {
    return `it cannot be read: ${messageOf(error)}`;
  }
}

/**
 * When to request the next certificate: after 75 to 85 % of this one's lifetime, at random, so that gateways which
 * started together do not all ask at once.
 * @param random in [0, 1)
 */
export function rotationMs(certPem: string, random: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certPem);
  const startMs = validFromDate.getTime();
  return startMs + (validToDate.getTime() - startMs) * (0.75 + 0.1 * random);
}
