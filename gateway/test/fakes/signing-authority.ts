// The certificate library is built with decorators and wants this first.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Clock } from "../../src/foundation/clock.ts";
import { KubeApiError } from "../../src/kubeapi/errors.ts";
import { csrPath, type SigningRequestObject } from "../../src/kubelet/certificates/serving-csr.ts";
import { ReviewKubeClient } from "./review-kube-client.ts";

const ecdsa = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface AskedRequest {
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly request: string;
    readonly signerName: string;
    readonly usages: readonly string[];
    readonly expirationSeconds?: number;
  };
}

/**
 * CertificateSigningRequests and who signs them, at the client's interface; approval is a call of the test.
 * Not done: admission and policy, the signer's own checks, cleaning, watches.
 */
export class SigningAuthority extends ReviewKubeClient {
  readonly asked: AskedRequest[] = [];
  readonly #clock: Clock;
  readonly #status = new Map<string, NonNullable<SigningRequestObject["status"]>>();
  readonly #keys = webcrypto.subtle.generateKey(ecdsa, true, ["sign", "verify"]);
  /** The answer to the next create gets lost on its way. */
  losesAnswer = false;
  mayAsk = true;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  get newest(): AskedRequest {
    const newest = this.asked.at(-1);
    if (!newest) throw new TypeError("nothing has been asked");
    return newest;
  }

  override get<T>(path: string): Promise<T> {
    if (!path.startsWith(`${csrPath}/`)) return super.get(path);
    const name = path.slice(csrPath.length + 1);
    const status = this.#status.get(name);
    if (this.isDown) return Promise.reject(new TypeError("fake API server is down"));
    return status
      ? Promise.resolve({ metadata: { name }, status } as T)
      : Promise.reject(new KubeApiError(404, { reason: "NotFound" }, path));
  }

  override create<T>(path: string, body: unknown): Promise<T> {
    if (path !== csrPath) return super.create(path, body);
    if (this.isDown) return Promise.reject(new TypeError("fake API server is down"));
    if (!this.mayAsk) return Promise.reject(new KubeApiError(403, { reason: "Forbidden" }, path));
    const request = body as AskedRequest;
    this.asked.push(request);
    this.#status.set(request.metadata.name, {});
    return this.losesAnswer
      ? Promise.reject(new KubeApiError(409, { reason: "AlreadyExists" }, path))
      : Promise.resolve(body as T);
  }

  judge(type: "Denied" | "Failed", reason: string, message: string): void {
    this.#status.set(this.newest.metadata.name, { conditions: [{ type, status: "True", reason, message }] });
  }

  forget(): void {
    this.#status.delete(this.newest.metadata.name);
  }

  /** Approves and signs the newest request. */
  async sign(options: { lifetimeS?: number; addresses?: readonly string[] } = {}): Promise<void> {
    const { metadata, spec } = this.newest;
    const request = new x509.Pkcs10CertificateRequest(Buffer.from(spec.request, "base64").toString());
    const nowMs = this.#clock.wallMs();
    const names = request.getExtension("2.5.29.17");
    const certificate = await x509.X509CertificateGenerator.create(
      {
        subject: request.subject,
        issuer: "CN=cluster",
        publicKey: request.publicKey,
        signingKey: (await this.#keys).privateKey,
        signingAlgorithm: ecdsa,
        notBefore: new Date(nowMs),
        notAfter: new Date(nowMs + 1_000 * (options.lifetimeS ?? spec.expirationSeconds ?? 31_536_000)),
        extensions: options.addresses
          ? [
              new x509.SubjectAlternativeNameExtension(
                options.addresses.map((value) => ({ type: "ip", value })),
              ),
            ]
          : names
            ? [names]
            : [],
      },
      webcrypto,
    );
    const pem = certificate.toString("pem");
    this.#status.set(metadata.name, { certificate: Buffer.from(pem).toString("base64") });
  }
}
