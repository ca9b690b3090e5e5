// The certificate library is built with decorators and wants this first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Kubernetes reads them as groups. */
  readonly organizations?: readonly string[];
  readonly usage: "client" | "server" | "both";
  /** Names and IP addresses that a server certificate is for. */
  readonly hosts?: readonly string[];
}

type CryptoKeyPair = webcrypto.CryptoKeyPair;

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const hourMs = 3_600_000;
const lifetimeMs = 30 * 24 * hourMs;

/** A certificate authority that lives for one run: EC P-256, 30 days, kept in memory and in the run's folder only. */
export class Authority {
  readonly certificate: string;
  readonly key: string;
  readonly #name: string;
  readonly #keys: CryptoKeyPair;
  readonly #identifier: x509.Extension;

  private constructor(
    name: string,
    keys: CryptoKeyPair,
    certificate: string,
    key: string,
    identifier: x509.Extension,
  ) {
    this.#name = name;
    this.#keys = keys;
    this.certificate = certificate;
    this.key = key;
    this.#identifier = identifier;
  }

  static async create(commonName: string): Promise<Authority> {
    const keys = await newKeys();
    const name = new x509.Name([{ CN: [commonName] }]).toString();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned(
      {
        name,
        keys,
        ...validity(),
        signingAlgorithm: ecdsa,
        extensions: [
          new x509.BasicConstraintsExtension(true, undefined, true),
          new x509.KeyUsagesExtension(
            x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature,
            true,
          ),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
        ],
      },
      webcrypto,
    );
    const identifier = await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey);
    return new Authority(name, keys, certificate.toString("pem"), await privatePem(keys), identifier);
  }

  async issue(request: CertificateRequest): Promise<KeyPair> {
    const keys = await newKeys();
    const { organizations = [], hosts = [], usage } = request;
    const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
    const usages = { client: [clientAuth], server: [serverAuth], both: [serverAuth, clientAuth] };
    const names = hosts.map((value) => ({ type: isIP(value) ? ("ip" as const) : ("dns" as const), value }));
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject: new x509.Name([
          { CN: [request.commonName] },
          ...organizations.map((name) => ({ O: [name] })),
        ]).toString(),
        issuer: this.#name,
        publicKey: keys.publicKey,
        signingKey: this.#keys.privateKey,
        signingAlgorithm: ecdsa,
        ...validity(),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages[usage]),
          this.#identifier,
          ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
        ],
      },
      webcrypto,
    );
    return { certificate: certificate.toString("pem"), key: await privatePem(keys) };
  }
}

/** A bare key pair, PEM: what service-account tokens are signed with. */
export async function newSigningKey(): Promise<{ publicKey: string; privateKey: string }> {
  const keys = await newKeys();
  const spki = await webcrypto.subtle.exportKey("spki", keys.publicKey);
  return { publicKey: x509.PemConverter.encode(spki, "PUBLIC KEY"), privateKey: await privatePem(keys) };
}

async function newKeys(): Promise<CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
}

async function privatePem(keys: CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY");
}

/** From an hour ago, so that a clock that is set back a little does not matter. */
function validity(): { notBefore: Date; notAfter: Date } {
  const now = Date.now();
  return { notBefore: new Date(now - hourMs), notAfter: new Date(now + lifetimeMs) };
}
