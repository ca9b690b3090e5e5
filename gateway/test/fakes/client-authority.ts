import { generateKeyPairSync } from "node:crypto";
import { type CertificateUse, signCertificate } from "../../src/kubelet/certificate.ts";

const hourMs = 3_600_000;

/** A certificate authority of a test. Not done: intermediates, revocation, other keys than P-256. */
export class ClientAuthority {
  readonly pem: string;
  readonly #keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  readonly #name = { commonName: "test authority", organizations: [] };

  constructor() {
    this.pem = this.#sign(this.#name, this.#keys.publicKey, "authority", Date.now() + hourMs);
  }

  issue(
    commonName: string,
    organizations: readonly string[] = [],
    { use = "client", endsMs = Date.now() + hourMs }: { use?: CertificateUse; endsMs?: number } = {},
  ): { cert: string; key: string } {
    const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const cert = this.#sign({ commonName, organizations }, publicKey, use, endsMs);
    return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
  }

  #sign(
    subject: { commonName: string; organizations: readonly string[] },
    publicKey: Parameters<typeof signCertificate>[0]["publicKey"],
    use: CertificateUse,
    notAfterMs: number,
  ): string {
    return signCertificate({
      subject,
      issuer: this.#name,
      publicKey,
      signingKey: this.#keys.privateKey,
      notBeforeMs: Date.now() - 2 * hourMs,
      notAfterMs,
      use,
    });
  }
}
