import { randomInt } from "node:crypto";
import { type BackoffPolicy, backoffMs } from "../../foundation/backoff.ts";
import type { Clock } from "../../foundation/clock.ts";
import { delay } from "../../foundation/delay.ts";
import { messageOf, UnavailableError } from "../../foundation/errors.ts";
import type { Logger } from "../../foundation/log.ts";
import type { TokenBucket } from "../../foundation/token-bucket.ts";
import { isAlreadyExists, isNotFound } from "../../kubeapi/errors.ts";
import type { KubeClient } from "../../kubeapi/kube-client.ts";
import type { CertificateMeters } from "./certificate-meters.ts";
import { type CertificateRecord, type CertificateRecords, noCertificate } from "./certificate-records.ts";
import type { CertificateSource } from "./certificate-source.ts";
import { selfSignedCertificate } from "./self-signed.ts";
import type { ServingCertificate, ServingSubject } from "./serving-certificate.ts";
import {
  buildSigningRequest,
  csrPath,
  judgeRequest,
  type RequestState,
  rotationMs,
  type SigningRequestObject,
  unusableReason,
} from "./serving-csr.ts";

export interface CsrCertificateOptions {
  readonly subject: ServingSubject;
  /** Name of the Node for its own listener; undefined for the shared listener. */
  readonly nodeName?: string;
  readonly expirationSeconds?: number;
  /** Stores key, certificate and a pending request, so that they survive the process. */
  readonly records: CertificateRecords;
  /** Limits how often all listeners together create requests. */
  readonly pace: TokenBucket;
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meters: CertificateMeters;
  readonly random?: () => number;
}

/** After a request that came to nothing. Milliseconds. */
const retry: BackoffPolicy = { baseMs: 30_000, factor: 2, maxMs: 3_600_000, jitter: 0.2 };
/** Between two looks at a request that waits: a person approves it. */
const look: BackoffPolicy = { baseMs: 500, factor: 1.5, maxMs: 30_000, jitter: 0.2 };
/** Interval of the reminder that a request waits for approval. */
const remindMs = 3_600_000;
const firstReminderMs = 60_000;
/** Timers hold 24 days at most, and wall clocks are set: the time of the rotation is looked at again. */
const longestSleepMs = 3_600_000;
const requestTimeoutMs = 10_000;

/** A request that came to nothing: denied, failed, gone, or its certificate cannot be used. */
class RequestFailure extends UnavailableError {}

/**
 * A certificate that the cluster signs. Creates a CertificateSigningRequest, waits until another identity has approved
 * it, and requests the next one before it expires. Until the first one is signed, the API is served with a self-signed
 * certificate. Key, certificate and the name of the request are stored, so that a restart neither requests again nor
 * falls back to the self-signed one.
 */
export class CsrCertificate implements CertificateSource {
  readonly #options: CsrCertificateOptions;
  readonly #random: () => number;
  readonly #stop = new AbortController();
  #record: CertificateRecord = noCertificate;

  constructor(options: CsrCertificateOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
  }

  async start(changed: (certificate: ServingCertificate) => void): Promise<ServingCertificate> {
    const { records, subject, clock, log, nodeName } = this.#options;
    this.#record = records.read();
    const { issued, pending } = this.#record;
    const reason = issued ? unusableReason(issued, subject, clock.wallMs()) : "there is none";
    if (issued && reason === undefined) {
      void this.#follow(changed, issued);
      return issued;
    }
    if (issued) log.info({ node: nodeName, reason }, "stored kubelet certificate not used");
    // What was asked for another name or address is of no use either.
    if (pending && pending.subject !== JSON.stringify(subject))
      await this.#store({ issued, pending: undefined });
    void this.#follow(changed, undefined);
    return selfSignedCertificate({ subject, nowMs: clock.wallMs() });
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  /** Runs until disposed; every failure is logged, counted and retried. */
  async #follow(
    changed: (certificate: ServingCertificate) => void,
    first: ServingCertificate | undefined,
  ): Promise<void> {
    const { signal } = this.#stop;
    let held = first;
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (held) await this.#sleepUntil(rotationMs(held.certPem, this.#random()));
        held = undefined;
        const issued = await this.#obtain();
        failures = 0;
        held = issued;
        changed(issued);
      } catch (error) {
        if (signal.aborted) return;
        failures += 1;
        this.#noteFailure(error, failures);
        const delayMs = backoffMs(retry, failures - 1, this.#random());
        await delay(this.#options.clock, delayMs, signal).catch(() => undefined);
      }
    }
  }

  async #sleepUntil(dueMs: number): Promise<void> {
    const { clock } = this.#options;
    for (let leftMs = dueMs - clock.wallMs(); leftMs > 0; leftMs = dueMs - clock.wallMs())
      await delay(clock, Math.min(leftMs, longestSleepMs), this.#stop.signal);
  }

  /** @throws RequestFailure; errors of the API server */
  async #obtain(): Promise<ServingCertificate> {
    const { subject, clock, log, nodeName, meters } = this.#options;
    const pending = this.#record.pending ?? (await this.#ask());
    meters.waiting.inc();
    let state: RequestState;
    try {
      state = await this.#waitForAnswer(pending.name);
    } finally {
      meters.waiting.dec();
    }
    if (state.state !== "issued") {
      await this.#store({ ...this.#record, pending: undefined });
      const { state: outcome } = state;
      throw new RequestFailure(
        outcome,
        `${pending.name} was ${outcome}: ${"reason" in state ? state.reason : ""}`,
      );
    }
    const issued = { certPem: state.certPem, keyPem: pending.keyPem };
    const reason = unusableReason(issued, subject, clock.wallMs());
    if (reason !== undefined) {
      await this.#store({ ...this.#record, pending: undefined });
      throw new RequestFailure("unusable", `the certificate of ${pending.name} cannot be used: ${reason}`);
    }
    await this.#store({ issued, pending: undefined });
    meters.requests.inc({ outcome: "issued" });
    log.info({ node: nodeName, request: pending.name }, "kubelet certificate issued");
    return issued;
  }

  async #ask(): Promise<NonNullable<CertificateRecord["pending"]>> {
    const { subject, expirationSeconds, kube, clock, pace, nodeName, log } = this.#options;
    const { signal } = this.#stop;
    for (let waitMs = pace.take(clock.monotonicMs()); waitMs > 0; waitMs = pace.take(clock.monotonicMs()))
      await delay(clock, waitMs, signal);
    const { makeSigningRequest } = await import("./certificate-library.ts");
    const { keyPem, requestPem } = await makeSigningRequest(subject);
    const name = `motelet-serving-${nodeName ?? "all"}-${randomInt(2 ** 40).toString(36)}`;
    const pending = { name, keyPem, subject: JSON.stringify(subject) };
    // Kept before it is sent: an answer that is lost, or a restart, finds the request again.
    await this.#store({ ...this.#record, pending });
    try {
      await kube.create(csrPath, buildSigningRequest(name, requestPem, expirationSeconds), this.#deadline());
    } catch (error) {
      if (!isAlreadyExists(error)) {
        await this.#store({ ...this.#record, pending: undefined });
        throw error;
      }
    }
    log.info({ node: nodeName, request: name }, "kubelet certificate requested, waits for approval");
    return pending;
  }

  async #waitForAnswer(name: string): Promise<RequestState> {
    const { kube, clock, log, nodeName } = this.#options;
    const startedMs = clock.monotonicMs();
    let reminderMs = firstReminderMs;
    for (let looks = 0; ; looks++) {
      await delay(clock, backoffMs(look, looks, this.#random()), this.#stop.signal);
      try {
        const found = await kube.get<SigningRequestObject>(`${csrPath}/${name}`, this.#deadline());
        const state = judgeRequest(found);
        if (state.state !== "waiting") return state;
      } catch (error) {
        // The controller manager removes what nobody has approved for a day.
        if (isNotFound(error)) return { state: "failed", reason: "it is gone, nobody approved it in time" };
        log.debug(
          { request: name, err: messageOf(error) },
          "cannot read the request for a kubelet certificate",
        );
      }
      const durationMs = clock.monotonicMs() - startedMs;
      if (durationMs < reminderMs) continue;
      reminderMs = durationMs + remindMs;
      log.warn({ node: nodeName, request: name, durationMs }, "kubelet certificate waits for approval");
    }
  }

  #noteFailure(error: unknown, failures: number): void {
    const { log, meters, nodeName } = this.#options;
    meters.requests.inc({ outcome: error instanceof RequestFailure ? error.code : "refused" });
    log.warn({ node: nodeName, failures, err: messageOf(error) }, "no kubelet certificate from the cluster");
  }

  #deadline(): { signal: AbortSignal } {
    return { signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(requestTimeoutMs)]) };
  }

  async #store(record: CertificateRecord): Promise<void> {
    this.#record = record;
    await this.#options.records.write(record);
  }
}
