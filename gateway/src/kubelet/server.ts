import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { delay } from "../foundation/delay.ts";
import { MoteletError, messageOf, RequestError, UnavailableError } from "../foundation/errors.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { KubeClient } from "../kubeapi/kube-client.ts";
import { Authenticator } from "./access/authentication.ts";
import { Authorizer } from "./access/authorization.ts";
import { admit, routeLabel } from "./admission.ts";
import { ClientCa } from "./certificates/client-ca.ts";
import type { ServingCertificate } from "./certificates/serving-certificate.ts";
import type { Call } from "./handlers.ts";
import { formatRaw, type HttpReply, replyOfError } from "./http-reply.ts";
import { declareKubeletMetrics, type KubeletMetrics, reviewMeter } from "./kubelet-metrics.ts";
import { Listener } from "./listener.ts";
import { NodeDirectory } from "./node-directory.ts";
import type { KubeletParts, Serving } from "./serving.ts";

export interface KubeletServerOptions extends KubeletParts {
  readonly host: string;
  /** 0 selects a free one. */
  readonly port: number;
  /** The first certificate to serve with; see `useCertificate`. */
  readonly certificate: ServingCertificate;
  readonly kube: KubeClient;
  readonly metrics: Metrics;
  /** PEM bundle instead of the cluster's own client CA. */
  readonly clientCa?: string;
  /** Requests served at the same time, including streams; default 1,024. */
  readonly maxRequests?: number;
}

/** Connections to the port of one Node. */
const nodeConnections = 128;

/** A request and where it came in. */
interface Arrival {
  readonly request: IncomingMessage;
  readonly listener: Listener;
  /** The Node, if the listener belongs to one Node. */
  readonly nodeName: string | undefined;
}

/** How long open streams get to end at shutdown. */
const drainMs = 1_500;

/**
 * The kubelet API of all Nodes of this gateway. One HTTPS listener is enough, because every important path names a pod,
 * and the pod determines the Node. Clusters that need it get one more listener per Node. `start()` returns once it
 * listens.
 */
export class KubeletServer implements AsyncDisposable {
  readonly #options: KubeletServerOptions;
  readonly #metrics: KubeletMetrics;
  readonly #serving: Serving;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #clientCa: ClientCa;
  readonly #listener: Listener;
  readonly #nodeListeners = new Set<Listener>();
  #clientCaPem: string | undefined;
  readonly #stop = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();

  constructor(options: KubeletServerOptions) {
    const { kube, clock, log, clientCa } = options;
    this.#options = options;
    this.#metrics = declareKubeletMetrics(options.metrics);
    this.#serving = {
      ...options,
      meters: this.#metrics,
      nodes: new NodeDirectory(options.registry),
      stopping: this.#stop.signal,
    };
    this.#authenticator = new Authenticator(kube, clock, reviewMeter(this.#metrics, "token"));
    this.#authorizer = new Authorizer(kube, clock, reviewMeter(this.#metrics, "access"));
    this.#listener = this.#makeListener(options.certificate);
    this.#clientCa = new ClientCa({
      kube,
      clock,
      log,
      onChange: (pem) => this.useClientCa(pem),
      onRead: (outcome) => this.#metrics.clientCaReads.inc({ outcome }),
      ...(clientCa === undefined ? {} : { override: clientCa }),
    });
  }

  /** @throws ConfigError if it cannot listen on the address */
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
    // What the first one has taken the others take.
    this.#clientCaPem = pem;
    for (const listener of this.#nodeListeners) listener.useClientCa(pem);
  }

  /**
   * Serves one Node on its own port: pods of other Nodes do not exist there, and paths that name no Node are about this
   * one. Dispose it to close the port and its connections.
   * @throws ConfigError if it cannot listen on the port
   */
  async openNode(
    nodeName: string,
    { port, certificate }: { readonly port: number; readonly certificate: ServingCertificate },
  ): Promise<Listener> {
    const listener = this.#makeListener(certificate, nodeName);
    if (this.#clientCaPem !== undefined) listener.useClientCa(this.#clientCaPem);
    await listener.start(this.#options.host, port);
    this.#nodeListeners.add(listener);
    return listener;
  }

  #makeListener(certificate: ServingCertificate, nodeName?: string): Listener {
    const listener: Listener = new Listener(
      certificate,
      {
        onRequest: (request, response) => this.#track(this.#serve({ request, listener, nodeName }, response)),
        onUpgrade: (request, socket, head) =>
          this.#track(this.#upgrade({ request, listener, nodeName }, socket, head)),
        onTlsError: () => this.#metrics.tlsErrors.inc(),
        onClosed: () => this.#nodeListeners.delete(listener),
      },
      nodeName === undefined ? {} : { connections: nodeConnections },
    );
    return listener;
  }

  /** For readiness: the reason why the API server cannot reach devices through this server. */
  unhealthyReason(): string | undefined {
    if (!this.#listener.isListening) return "the kubelet API does not listen";
    if (!this.#listener.hasClientCa)
      return "the CA of the API server's client certificate is not known yet: logs and exec are refused";
    return undefined;
  }

  /**
   * Accepts no more requests, announces the end to running streams, and after 1.5 s ends those that are still running.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clientCa[Symbol.asyncDispose]();
    const listeners = [this.#listener, ...this.#nodeListeners];
    for (const listener of listeners) listener.stopAccepting();
    this.#stop.abort();
    await Promise.race([Promise.allSettled(this.#inFlight), delay(this.#options.clock, drainMs)]);
    await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
  }

  #track(serving: Promise<void>): void {
    this.#inFlight.add(serving);
    void serving.finally(() => this.#inFlight.delete(serving));
  }

  async #serve(arrival: Arrival, response: ServerResponse): Promise<void> {
    const { request } = arrival;
    const route = routeLabel(request);
    try {
      const call = await this.#admit(arrival);
      if (!call.route.answer) throw new RequestError("UPGRADE_REQUIRED", "Upgrade request required");
      const answer = await call.route.answer(call, this.#serving, response);
      if (answer) send(response, answer);
    } catch (error) {
      this.#noteFailure(request, route, error);
      if (response.headersSent) response.destroy();
      else send(response, { ...replyOfError(error), close: true });
    }
    this.#metrics.requests.inc({ route, code: String(response.statusCode) });
  }

  async #upgrade(arrival: Arrival, socket: Duplex, head: Buffer): Promise<void> {
    const { request } = arrival;
    // Until a protocol takes the socket over, an error on it only means that the caller is gone.
    socket.on("error", () => undefined);
    const route = routeLabel(request);
    let code = 101;
    try {
      const call = await this.#admit(arrival);
      if (!call.route.stream) throw new RequestError("UPGRADE_REFUSED", "this path cannot be upgraded");
      await call.route.stream(call, this.#serving, { request, socket, head });
    } catch (error) {
      this.#noteFailure(request, route, error);
      const answer = replyOfError(error);
      code = answer.code;
      socket.end(formatRaw(answer), () => socket.destroy());
    }
    this.#metrics.requests.inc({ route, code: String(code) });
  }

  async #admit({ request, listener, nodeName }: Arrival): Promise<Call> {
    const { registry, clock, maxRequests = 1_024 } = this.#options;
    if (this.#inFlight.size >= maxRequests)
      throw new UnavailableError("REQUESTS_BUSY", "too many requests are being served, try again");
    const certificate = listener.verifiedCertificate(request, clock.wallMs());
    return admit(request, certificate, {
      authenticator: this.#authenticator,
      authorizer: this.#authorizer,
      registry,
      ...(nodeName === undefined ? {} : { nodeName }),
    });
  }

  #noteFailure(request: IncomingMessage, route: string, error: unknown): void {
    const reason = error instanceof MoteletError ? error.code : "INTERNAL";
    const fields = { peer: request.socket.remoteAddress, route, code: reason, err: messageOf(error) };
    this.#metrics.refusals.inc({ reason });
    if (replyOfError(error).code === 500)
      this.#options.log.error(fields, "request to the kubelet API failed");
    else this.#options.log.warn(fields, "request to the kubelet API refused");
  }
}

function send(response: ServerResponse, answer: HttpReply & { close?: boolean }): void {
  response.writeHead(answer.code, {
    "content-type": answer.contentType,
    ...answer.headers,
    ...(answer.close ? { connection: "close" } : {}),
  });
  response.end(answer.text);
}
