// The certificate library is built with decorators and wants this first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

const hourMs = 3_600_000;
const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;

type Keys = webcrypto.CryptoKeyPair;

export interface IssueOptions {
  readonly use?: "client" | "server";
  readonly endsMs?: number;
  /** Names and IP addresses that a server certificate is for. */
  readonly hosts?: readonly string[];
}

/** A certificate authority of a test. Not done: intermediates, revocation, other keys than P-256. */
export class ClientAuthority {
  readonly pem: string;
  readonly #keys: Keys;
  readonly #name: string;

  private constructor(keys: Keys, name: string, pem: string) {
    this.#keys = keys;
    this.#name = name;
    this.pem = pem;
  }

  static async create(): Promise<ClientAuthority> {
    const keys = await newKeys();
    const name = "CN=test authority";
    const { keyCertSign } = x509.KeyUsageFlags;
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        name,
        keys,
        ...validity(Date.now() + hourMs),
        signingAlgorithm: ecdsa,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(keyCertSign, true),
        ],
      },
      webcrypto,
    );
    return new ClientAuthority(keys, name, certificate.toString("pem"));
  }

  async issue(
    commonName: string,
    organizations: readonly string[] = [],
    { use = "client", endsMs = Date.now() + hourMs, hosts = [] }: IssueOptions = {},
  ): Promise<{ cert: string; key: string }> {
    const keys = await newKeys();
    const names = hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject: new x509.Name([
          ...organizations.map((name) => ({ O: [name] })),
          { CN: [commonName] },
        ]).toString(),
        issuer: this.#name,
        publicKey: keys.publicKey,
        signingKey: this.#keys.privateKey,
        signingAlgorithm: ecdsa,
        ...validity(endsMs),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension([use === "client" ? clientAuth : serverAuth]),
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
      },
      webcrypto,
    );
    const key = x509.PemConverter.encode(
      await webcrypto.subtle.exportKey("pkcs8", keys.privateKey),
      "PRIVATE KEY",
    );
    return { cert: certificate.toString("pem"), key };
  }
}

async function newKeys(): Promise<Keys> {
  return await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
}

function validity(endsMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - 2 * hourMs), notAfter: new Date(endsMs) };
}
