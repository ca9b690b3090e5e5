import { X509Certificate } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { ConfigError } from "../foundation/errors.ts";
import { type Credentials, verifiedSubject } from "./access/authentication.ts";
import type { ServingCertificate } from "./certificates/serving-certificate.ts";

export const listenerLimits = {
  connections: 4_096,
  /** The URL contains the words of a command. */
  headerBytes: 65_536,
  handshakeMs: 10_000,
  headersMs: 15_000,
  requestMs: 60_000,
  /**
   * Longer than the 90 s that kube-apiserver keeps idle connections, so that the gateway never closes one during a
   * request.
   */
  keepAliveMs: 120_000,
} as const;

export interface ListenerHandlers {
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  readonly onUpgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly onTlsError: () => void;
  readonly onClosed: () => void;
}

/**
 * The HTTPS server of the kubelet API. It asks for a client certificate and also accepts connections without one: they
 * get a 401 with a message. HTTP/1.1 only, because HTTP/2 has no upgrades (RFC 9113 §8.6).
 */
export class Listener implements AsyncDisposable {
  readonly #handlers: ListenerHandlers;
  readonly #connections: number;
  readonly #sockets = new Set<Duplex>();
  /** SHA-256 fingerprints of the client CA's certificates. */
  #anchors: ReadonlySet<string> = new Set();
  #certificate: ServingCertificate;
  #clientCa: readonly string[] = [];
  #server: Server | undefined;

  constructor(
    certificate: ServingCertificate,
    handlers: ListenerHandlers,
    limits: { readonly connections?: number } = {},
  ) {
    this.#certificate = certificate;
    this.#handlers = handlers;
    this.#connections = limits.connections ?? listenerLimits.connections;
  }

  /** @throws ConfigError if it cannot listen on the address */
  async start(host: string, port: number): Promise<{ port: number }> {
    const server = createServer({
      ...this.#secrets(),
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: listenerLimits.handshakeMs,
      headersTimeout: listenerLimits.headersMs,
      requestTimeout: listenerLimits.requestMs,
      keepAliveTimeout: listenerLimits.keepAliveMs,
      maxHeaderSize: listenerLimits.headerBytes,
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    });
    this.#server = server;
    server.maxConnections = this.#connections;
    server.on("secureConnection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    server.on("tlsClientError", () => this.#handlers.onTlsError());
    server.on("clientError", (_error, socket) => socket.destroy());
    server.on("request", this.#handlers.onRequest);
    server.on("upgrade", this.#handlers.onUpgrade);
    const listening = Promise.withResolvers<void>();
    server.once("error", listening.reject);
    server.listen({ host, port }, listening.resolve);
    try {
      await listening.promise;
    } catch (cause) {
      throw new ConfigError("KUBELET_LISTEN", `cannot listen on ${host} port ${port} for the kubelet API`, {
        cause,
      });
    }
    server.off("error", listening.reject);
    return { port: (server.address() as AddressInfo).port };
  }

  /** Serves new connections with another certificate. */
  useCertificate(certificate: ServingCertificate): void {
    this.#certificate = certificate;
    this.#server?.setSecureContext(this.#secrets());
  }

  /**
   * Verifies client certificates against another CA, also on open connections.
   * @throws if the bundle is not a PEM of certificates; then the last one stays in use
   */
  useClientCa(pem: string): void {
    const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    if (certificates.length === 0) throw new ConfigError("CLIENT_CA", "the client CA has no certificate");
    this.#anchors = new Set(certificates.map((text) => new X509Certificate(text).fingerprint256));
    this.#clientCa = certificates;
    this.#server?.setSecureContext(this.#secrets());
  }

  get isListening(): boolean {
    return this.#server?.listening ?? false;
  }

  /** Whether there is a client CA to verify certificates with. */
  get hasClientCa(): boolean {
    return this.#anchors.size > 0;
  }

  /** The caller's certificate, if TLS has verified it and its chain ends in the present client CA. */
  verifiedCertificate(request: IncomingMessage, nowMs: number): Credentials["certificate"] {
    const { socket } = request;
    return socket instanceof TLSSocket ? verifiedSubject(socket, nowMs, this.#anchors) : undefined;
  }

  /** `ca` is never left out: without it Node would trust every public authority to vouch for a client. */
  #secrets() {
    const { certPem, keyPem } = this.#certificate;
    return { cert: certPem, key: keyPem, ca: [...this.#clientCa] };
  }

  /** Accepts no more connections; open ones continue. */
  stopAccepting(): void {
    this.#server?.close();
    this.#server?.closeIdleConnections();
  }

  /** Ends every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    this.#handlers.onClosed();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    // Upgraded sockets no longer belong to the server's list.
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
