import { type BackoffPolicy, backoffMs } from "../../foundation/backoff.ts";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { KubeClient } from "../../kubeapi/kube-client.ts";

const path = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication";
const refreshMs = 60_000;
const retry: BackoffPolicy = { baseMs: 1_000, factor: 2, maxMs: refreshMs, jitter: 0.2 };

export interface ClientCaOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /**
   * If present, this PEM bundle is used and the ConfigMap is not read (for clusters whose kubelet client has another
   * CA).
   */
  readonly override?: string;
  readonly onChange: (pem: string) => void;
  /** Called after each read of the ConfigMap. */
  readonly onRead?: (outcome: ClientCaRead) => void;
}

/** missing: the ConfigMap has no client CA; failed: it could not be read or used. */
export type ClientCaRead = "ok" | "missing" | "failed";

/**
 * Follows the CA that signs kube-apiserver's client certificate: `client-ca-file` of the ConfigMap
 * kube-system/extension-apiserver-authentication. No client certificate is accepted before it is known. Once known, it
 * is kept while the API server does not answer.
 */
export class ClientCa implements AsyncDisposable {
  readonly #options: ClientCaOptions;
  readonly #stop = new AbortController();
  #pem: string | undefined;
  #failures = 0;
  #timer: Timer | undefined;

  constructor(options: ClientCaOptions) {
    this.#options = options;
  }

  /**
   * Reads once and then continues to read. A failed first read is retried, not thrown. An override that cannot be used
   * throws.
   */
  async start(): Promise<void> {
    const { override, onChange } = this.#options;
    if (override === undefined) await this.#refresh();
    else onChange(override);
  }

  async #refresh(): Promise<void> {
    const { kube, clock, log, onChange, onRead } = this.#options;
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(10_000)]);
      const map = await kube.get<{ readonly data?: Readonly<Record<string, string>> }>(path, { signal });
      const pem = map.data?.["client-ca-file"];
      this.#failures = 0;
      if (!pem) log.warn({ path }, "no client CA in the cluster: client certificates are refused");
      else if (pem !== this.#pem) {
        // A bundle that cannot be used throws, is not kept, and is tried again.
        onChange(pem);
        this.#pem = pem;
      }
      onRead?.(pem ? "ok" : "missing");
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#failures += 1;
      onRead?.("failed");
      log.warn({ path, failures: this.#failures, err: messageOf(error) }, "cannot take the client CA");
    }
    const delayMs = this.#failures === 0 ? refreshMs : backoffMs(retry, this.#failures - 1, Math.random());
    if (!this.#stop.signal.aborted) this.#timer = clock.after(delayMs, () => void this.#refresh());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#timer?.cancel();
  }
}
