import type { Clock } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import { WatchedFiles } from "../../foundation/watched-files.ts";
import type { CertificateMeters } from "./certificate-meters.ts";

export interface ClientCaFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: CertificateMeters;
  /** Time between two checks. */
  readonly intervalMs?: number;
}

/** A PEM bundle of the authorities that sign the API server's client certificate, read again when it changes. */
export class ClientCaFile implements Disposable {
  readonly #options: ClientCaFileOptions;
  readonly #files: WatchedFiles<"ca">;

  constructor(options: ClientCaFileOptions) {
    const { path, clock, intervalMs } = options;
    this.#options = options;
    this.#files = new WatchedFiles({
      paths: { ca: path },
      clock,
      ...(intervalMs === undefined ? {} : { intervalMs }),
    });
  }

  /** @throws ConfigError FILE_READ */
  read(): string {
    return this.#files.read().ca;
  }

  /** @param use may throw if the bundle cannot be used: then the previous one stays in use */
  watch(use: (pem: string) => void): void {
    const { path, log, meters } = this.#options;
    const failed = (error: unknown) => {
      meters.reloads.inc({ outcome: "failed" });
      log.warn({ path, err: messageOf(error) }, "kubelet client CA not usable");
    };
    this.#files.watch(({ ca }) => {
      try {
        use(ca);
        meters.reloads.inc({ outcome: "ok" });
        log.info({ path }, "kubelet client CA reloaded");
      } catch (error) {
        failed(error);
      }
    }, failed);
  }

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}
