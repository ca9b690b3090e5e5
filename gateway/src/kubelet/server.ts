import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { DeviceFacts } from "../devices/device.ts";
import type { DeviceLogReader } from "../devices/device-log.ts";
import type { Registry } from "../devices/registry.ts";
import type { ExecVerb } from "../devices/verbs/exec.ts";
import type { Clock } from "../foundation/clock.ts";
import { delay } from "../foundation/delay.ts";
import { MoteletError, messageOf, RequestError, UnavailableError } from "../foundation/errors.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import { admit, type Call, routeLabel } from "./admission.ts";
import { type Answer, answerOfError, formatRaw } from "./answers.ts";
import { Authenticator } from "./authentication.ts";
import { Authorizer } from "./authorization.ts";
import { ClientCa } from "./client-ca.ts";
import { answerContainerLogs } from "./container-logs.ts";
import { expectOnline, parseCommand, runExec } from "./exec.ts";
import { answerHealth } from "./health.ts";
import { declareKubeletMetrics, type KubeletMetrics } from "./kubelet-metrics.ts";
import { Listener } from "./listener.ts";
import { parseLogOptions } from "./log-options.ts";
import { expectDevice } from "./pod-lookup.ts";
import { answerPods } from "./pods.ts";
import { parseStreamOptions } from "./remotecommand/negotiate.ts";
import { checkSpdyUpgrade, openSpdySession } from "./remotecommand/spdy.ts";
import type { ServingCertificate } from "./serving-certificate.ts";

export interface KubeletServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly registry: Registry;
  readonly exec: ExecVerb;
  readonly logs: DeviceLogReader;
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** PEM bundle instead of the cluster's own client CA. */
  readonly clientCa?: string;
  /** Requests served at a time, streams included; default 1,024. */
  readonly maxRequests?: number;
}

/** How long open streams get to end at shutdown. */
const drainMs = 1_500;

/**
 * The kubelet API of all Nodes of this gateway: one HTTPS listener, because every path that matters names a pod and
 * the pod tells the Node. `start()` returns once it listens.
 */
export class KubeletServer implements AsyncDisposable {
  readonly #options: KubeletServerOptions;
  readonly #metrics: KubeletMetrics;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #clientCa: ClientCa;
  readonly #listener: Listener;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: KubeletServerOptions) {
    const { kube, clock, log, clientCa } = options;
    this.#options = options;
    this.#metrics = declareKubeletMetrics(options.metrics);
    this.#authenticator = new Authenticator(kube, clock);
    this.#authorizer = new Authorizer(kube, clock);
    this.#listener = new Listener(options.certificate, {
      onRequest: (request, response) => this.#track(this.#serve(request, response)),
      onUpgrade: (request, socket, head) => this.#track(this.#upgrade(request, socket, head)),
      onTlsError: () => this.#metrics.tlsErrors.inc(),
    });
    this.#clientCa = new ClientCa({
      kube,
      clock,
      log,
      onChange: (pem) => this.#listener.useClientCa(pem),
      ...(clientCa === undefined ? {} : { override: clientCa }),
    });
  }

  /** @throws ConfigError where the address cannot be listened on */
  async start(): Promise<{ port: number }> {
    await this.#clientCa.start();
    return this.#listener.start(this.#options.host, this.#options.port);
  }

  /** Serves new connections with another certificate. */
  useCertificate(certificate: ServingCertificate): void {
    this.#listener.useCertificate(certificate);
  }

  /** Verifies client certificates against another PEM bundle (an override file that changed). */
  useClientCa(pem: string): void {
    this.#listener.useClientCa(pem);
  }

  /** For readiness: what keeps the API server from reaching devices through here. */
  trouble(): string | undefined {
    if (!this.#listener.isListening) return "the kubelet API does not listen";
    if (!this.#listener.hasClientCa)
      return "the CA of the API server's client certificate is not known yet: logs and exec are refused";
    return undefined;
  }

  /** Takes no more requests, tells running streams that the gateway goes, and ends what has not ended after 1.5 s. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clientCa[Symbol.asyncDispose]();
    this.#listener.stopAccepting();
    this.#stop.abort();
    await Promise.race([Promise.allSettled(this.#inFlight), delay(this.#options.clock, drainMs)]);
    await this.#listener[Symbol.asyncDispose]();
  }

  #track(serving: Promise<void>): void {
    this.#inFlight.add(serving);
    void serving.finally(() => this.#inFlight.delete(serving));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = routeLabel(request);
    try {
      const call = await this.#admit(request);
      await this.#answer(call, response);
    } catch (error) {
      this.#noteFailure(request, route, error);
      if (response.headersSent) response.destroy();
      else send(response, { ...answerOfError(error), close: true });
    }
    this.#metrics.requests.inc({ route, code: String(response.statusCode) });
  }

  async #answer(call: Call, response: ServerResponse): Promise<void> {
    const { name } = call.route;
    switch (name) {
      case "healthz":
        return send(response, answerHealth());
      case "pods":
        return send(response, answerPods());
      case "containerLogs":
        return this.#answerLogs(call, response);
      case "exec":
        throw new RequestError("UPGRADE_REQUIRED", "unable to upgrade: Upgrade request required");
      default:
        return name satisfies never;
    }
  }

  async #answerLogs(call: Call, response: ServerResponse): Promise<void> {
    const options = parseLogOptions(call.query, this.#options.clock.wallMs());
    const { key, spec } = targetDevice(call);
    this.#metrics.openStreams.inc({ route: call.route.name });
    try {
      await answerContainerLogs(
        this.#options.logs,
        { key, pod: spec.name },
        options,
        response,
        this.#stop.signal,
      );
    } finally {
      this.#metrics.openStreams.dec({ route: call.route.name });
    }
  }

  async #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    // Until a protocol takes the socket over, an error on it only means that the caller is gone.
    socket.on("error", () => undefined);
    const route = routeLabel(request);
    let code = 101;
    try {
      const call = await this.#admit(request);
      if (!call.route.upgrades) throw new RequestError("UPGRADE_REFUSED", "this path cannot be upgraded");
      await this.#exec(call, { request, socket, head });
    } catch (error) {
      this.#noteFailure(request, route, error);
      const answer = answerOfError(error);
      code = answer.code;
      socket.end(formatRaw(answer), () => socket.destroy());
    }
    this.#metrics.requests.inc({ route, code: String(code) });
  }

  async #exec(
    call: Call,
    upgrade: { request: IncomingMessage; socket: Duplex; head: Buffer },
  ): Promise<void> {
    const { clock, exec, log } = this.#options;
    const facts = targetDevice(call);
    const { key } = facts;
    const options = parseStreamOptions(call.query);
    const argv = parseCommand(call.query);
    const protocol = checkSpdyUpgrade(upgrade.request);
    expectOnline(facts);

    const startedMs = clock.monotonicMs();
    this.#metrics.openStreams.inc({ route: call.route.name });
    try {
      const remote = await openSpdySession(upgrade, protocol, options, {
        clock,
        onProtocolError: (error) => {
          this.#metrics.spdyErrors.inc({ reason: error.code });
          log.warn({ device: key, code: error.code, err: error.message }, "client broke the SPDY protocol");
        },
      });
      log.info({ device: key, user: call.user.name }, "exec started");
      const exit = await runExec(exec, key, { argv, options }, remote, this.#stop.signal);
      const durationMs = Math.round(clock.monotonicMs() - startedMs);
      log.info(
        { device: key, user: call.user.name, durationMs, code: exit.status, exit: exit.exitCode },
        "exec ended",
      );
    } catch (error) {
      // The handshake has been answered: what is left to do is to note why nothing ran.
      log.warn({ device: key, err: messageOf(error) }, "exec failed before it started");
      upgrade.socket.destroy();
    } finally {
      this.#metrics.openStreams.dec({ route: call.route.name });
    }
  }

  async #admit(request: IncomingMessage): Promise<Call> {
    const { registry, clock, maxRequests = 1_024 } = this.#options;
    if (this.#inFlight.size >= maxRequests)
      throw new UnavailableError("REQUESTS_BUSY", "too many requests are being served, try again");
    const certificate = this.#listener.verifiedCertificate(request, clock.wallMs());
    return admit(request, certificate, {
      authenticator: this.#authenticator,
      authorizer: this.#authorizer,
      registry,
    });
  }

  #noteFailure(request: IncomingMessage, route: string, error: unknown): void {
    const reason = error instanceof MoteletError ? error.code : "INTERNAL";
    const fields = { peer: request.socket.remoteAddress, route, code: reason, err: messageOf(error) };
    this.#metrics.refusals.inc({ reason });
    if (answerOfError(error).code === 500)
      this.#options.log.error(fields, "request to the kubelet API failed");
    else this.#options.log.warn(fields, "request to the kubelet API refused");
  }
}

/** @throws RequestError where the pod or the container of the path is unknown */
function targetDevice({ target, params }: Call): DeviceFacts {
  return expectDevice(target, params.pod ?? "", params.container ?? "");
}

function send(response: ServerResponse, answer: Answer & { close?: boolean }): void {
  response.writeHead(answer.code, {
    "content-type": answer.contentType,
    ...answer.headers,
    ...(answer.close ? { connection: "close" } : {}),
  });
  response.end(answer.text);
}
