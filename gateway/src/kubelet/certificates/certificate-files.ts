import { createSecureContext } from "node:tls";
import type { Clock } from "../../foundation/clock.ts";
import { ConfigError, messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import { type FileContents, WatchedFiles } from "../../foundation/watched-files.ts";
import type { CertificateMeters } from "./certificate-meters.ts";
import type { CertificateSource } from "./certificate-source.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

export interface CertificateFilesOptions {
  readonly certFile: string;
  readonly keyFile: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: CertificateMeters;
  /** Time between two checks. */
  readonly intervalMs?: number;
}

/**
 * A certificate and key that another process renews: PEM files, read again when they change; invalid ones are ignored.
 */
export class CertificateFiles implements CertificateSource {
  readonly #options: CertificateFilesOptions;
  readonly #files: WatchedFiles<"cert" | "key">;

  constructor(options: CertificateFilesOptions) {
    const { certFile, keyFile, clock, intervalMs } = options;
    this.#options = options;
    this.#files = new WatchedFiles({
      paths: { cert: certFile, key: keyFile },
      clock,
      ...(intervalMs === undefined ? {} : { intervalMs }),
    });
  }

  /** @throws ConfigError FILE_READ, KUBELET_CERTIFICATE */
  async start(changed: (certificate: ServingCertificate) => void): Promise<ServingCertificate> {
    const first = this.#read(this.#files.read());
    this.#files.watch(
      (contents) => this.#reload(contents, changed),
      (error) => this.#failed(error),
    );
    return first;
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }

  #reload(contents: FileContents<"cert" | "key">, changed: (certificate: ServingCertificate) => void): void {
    try {
      changed(this.#read(contents));
      this.#options.meters.reloads.inc({ outcome: "ok" });
      this.#options.log.info({ path: this.#options.certFile }, "kubelet certificate reloaded");
    } catch (error) {
      // While one of two files is new and the other is old they do not fit: the next look sees both.
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    const { meters, log, certFile } = this.#options;
    meters.reloads.inc({ outcome: "failed" });
    log.warn({ path: certFile, err: messageOf(error) }, "kubelet certificate not usable");
  }

  #read({ cert, key }: FileContents<"cert" | "key">): ServingCertificate {
    const { certFile, keyFile } = this.#options;
    try {
      createSecureContext({ cert, key });
    } catch (cause) {
      throw new ConfigError(
        "KUBELET_CERTIFICATE",
        `${certFile} and ${keyFile} are not a certificate and its key: ${messageOf(cause)}`,
        { cause },
      );
    }
    return { certPem: cert, keyPem: key };
  }
}
