import type { Clock } from "../../foundation/clock.ts";
import { ConfigError, messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { Metrics } from "../../foundation/metrics.ts";
import { TokenBucket } from "../../foundation/token-bucket.ts";
import type { KubeClient } from "../../kubeapi/kube-client.ts";
import type { KeyValues } from "../../store/key-values.ts";
import { CertificateFiles } from "./certificate-files.ts";
import { type CertificateMeters, declareCertificateMeters } from "./certificate-meters.ts";
import { forgetCertificate, storedCertificate } from "./certificate-records.ts";
import { type CertificateMode, type CertificateSource, fixedCertificate } from "./certificate-source.ts";
import { CsrCertificate } from "./csr-certificate.ts";
import { selfSignedCertificate } from "./self-signed.ts";
import { type ServingCertificate, servingSubject } from "./serving-certificate.ts";

export interface ServingCertificatesOptions {
  readonly mode: CertificateMode;
  /** The InternalIP of the Nodes. */
  readonly address: string;
  /** For `files`. */
  readonly certFile: string;
  readonly keyFile: string;
  /** For `csr`; 0: the signer's default. */
  readonly lifetimeS: number;
  readonly kube: KubeClient;
  readonly keyValues: KeyValues;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
}

/** Of a CertificateSigningRequest's expirationSeconds. */
const minLifetimeS = 600;
/** New requests to the signer, all listeners together: as many at once, then one every so often. */
const requestPace = { burst: 10, refillMs: 1_000 };
/** The signer wants the name of a Node, and the listener of all is none's: what is checked of it is its address. */
const sharedName = "motelet";

/** The certificates of all listeners of the kubelet API, from the configured source. */
export class ServingCertificates {
  readonly meters: CertificateMeters;
  readonly #options: ServingCertificatesOptions;
  readonly #pace: TokenBucket;

  /** @throws ConfigError if the mode lacks a setting that it needs */
  constructor(options: ServingCertificatesOptions) {
    const { mode, certFile, keyFile, lifetimeS, clock, metrics } = options;
    if (mode === "files" && (certFile === "" || keyFile === ""))
      throw new ConfigError(
        "KUBELET_CERTIFICATE_FILES",
        "kubelet.servingCertificate: files needs kubelet.certFile and kubelet.keyFile",
      );
    if (mode !== "files" && (certFile !== "" || keyFile !== ""))
      throw new ConfigError(
        "KUBELET_CERTIFICATE_FILES",
        `kubelet.certFile and kubelet.keyFile need kubelet.servingCertificate: files, got ${mode}`,
      );
    if (lifetimeS !== 0 && lifetimeS < minLifetimeS)
      throw new ConfigError(
        "KUBELET_CERTIFICATE_LIFETIME",
        `kubelet.certificateLifetimeS is ${lifetimeS}: the API server takes 0 or at least ${minLifetimeS}`,
      );
    this.#options = options;
    this.#pace = new TokenBucket(requestPace, clock.monotonicMs());
    this.meters = declareCertificateMeters(metrics);
  }

  /** @param nodeName undefined for the shared listener */
  sourceOf(nodeName?: string): CertificateSource {
    const source = this.#sourceOf(nodeName);
    const served = (certificate: ServingCertificate) =>
      this.meters.served(nodeName ?? "", certificate.certPem);
    return {
      start: async (changed) => {
        const first = await source.start((next) => {
          served(next);
          changed(next);
        });
        served(first);
        return first;
      },
      [Symbol.dispose]: () => source[Symbol.dispose](),
    };
  }

  /** The Node was removed permanently. */
  forget(nodeName: string): void {
    const { keyValues, log } = this.#options;
    this.meters.forget(nodeName);
    forgetCertificate(keyValues, nodeName).catch((error: unknown) =>
      log.warn({ node: nodeName, err: messageOf(error) }, "certificate of a removed Node not forgotten"),
    );
  }

  #sourceOf(nodeName: string | undefined): CertificateSource {
    const { mode, address, clock, log, kube, keyValues, lifetimeS } = this.#options;
    const { certFile, keyFile } = this.#options;
    const { meters } = this;
    const subject = servingSubject(nodeName ?? sharedName, [address]);
    switch (mode) {
      case "self-signed":
        return fixedCertificate(() => selfSignedCertificate({ subject, nowMs: clock.wallMs() }));
      case "files":
        return new CertificateFiles({ certFile, keyFile, clock, log, meters });
      case "csr":
        return new CsrCertificate({
          subject,
          ...(nodeName === undefined ? {} : { nodeName }),
          ...(lifetimeS === 0 ? {} : { expirationSeconds: lifetimeS }),
          // A Node's name has no slash.
          records: storedCertificate(keyValues, nodeName ?? "/all"),
          pace: this.#pace,
          kube,
          clock,
          log,
          meters,
        });
      default:
        return mode satisfies never;
    }
  }
}
