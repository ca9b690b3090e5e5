import { constants, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { ConfigError, messageOf } from "../../foundation/errors.ts";
import { type FileContents, WatchedFiles } from "../../foundation/watched-files.ts";
import type { Authenticator, WireIdentity } from "../directory.ts";
import { commonNameOf, identityOfCertificate } from "./certificate-identity.ts";
import { ClientHello } from "./client-hello.ts";
import type { HandshakeQueue, QueuedHandshake } from "./handshake-queue.ts";
import { peerOf } from "./peer.ts";
import { PskHandshakes } from "./psk-handshakes.ts";
import type { MqttSecurity } from "./security.ts";

/** Why a handshake was refused: the label of the counter. */
export type HandshakeRefusal =
  | "handshake"
  | "handshake-deadline"
  | "unknown-psk-identity"
  | "wrong-key"
  | "resumed-session"
  | "client-certificate";

/** Events of a terminator; calls must not throw. */
export interface TlsTerminatorEvents {
  /** The peer has requested a handshake and waits for the gateway. */
  queued(socket: Socket): void;
  began(socket: Socket): void;
  /** The handshake is done. `proven` is absent if CONNECT will have the password. */
  secured(secured: { stream: TLSSocket; socket: Socket; peer: string; proven?: WireIdentity }): void;
  refused(
    reason: HandshakeRefusal,
    fields: { peer: string; userName?: string | undefined; err?: string },
  ): void;
  /** New files are in use. With an error they are invalid, and the old ones stay in use. */
  reloaded(error?: Error): void;
}

/** A socket from its acceptance to the end of its handshake. */
interface Pending extends QueuedHandshake {
  readonly socket: Socket;
  /** For the ClientHello, then for the handshake; the queue has its own deadline. */
  deadline: Timer;
}

type CertificateFile = "cert" | "key" | "ca";

/**
 * TLS 1.2 and 1.3 with session tickets off: a ticket would outlive the credential that it was given for. The server's
 * own session cache has no store behind it. Renegotiation would let a proven peer claim again.
 */
const common: TlsOptions = {
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
};

/**
 * What small devices speak, best first: forward secrecy if they can, CCM-8 where AES-CCM is in hardware, for which
 * security level 0 is asked (64-bit tag, RFC 7925 §4.2). With TLS 1.3 a bare key is bound to SHA-256 (RFC 8446 §4.2.11).
 */
const pskCiphers = [
  "TLS_AES_128_GCM_SHA256",
  "TLS_CHACHA20_POLY1305_SHA256",
  "TLS_AES_128_CCM_SHA256",
  "ECDHE-PSK-CHACHA20-POLY1305",
  "ECDHE-PSK-AES128-CBC-SHA256",
  "PSK-AES128-GCM-SHA256",
  "PSK-AES128-CCM",
  "PSK-AES128-CCM8",
  "PSK-AES128-CBC-SHA256",
  "@SECLEVEL=0",
].join(":");

/**
 * Accepts raw sockets and passes them on encrypted, with the identity that the handshake has proved. A peer first sends
 * its whole ClientHello, then waits for its turn, then does the handshake. Hello and handshake each have an absolute
 * deadline, because Node's own timeout restarts with each byte.
 */
export class TlsTerminator implements Disposable {
  readonly #events: TlsTerminatorEvents;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #security: Exclude<MqttSecurity, { kind: "plain" }>;
  readonly #handshakes: PskHandshakes;
  readonly #files: WatchedFiles<CertificateFile> | undefined;
  /**
   * By peer, which is unique among the open sockets of a listener: a TLS socket does not expose the socket that it
   * wraps.
   */
  readonly #pending = new Map<string, Pending>();
  readonly #queue: HandshakeQueue;
  #server: Server | undefined;

  constructor(options: {
    security: Exclude<MqttSecurity, { kind: "plain" }>;
    authenticator: Pick<Authenticator, "pskOf">;
    clock: Clock;
    /** Shared with the other listeners: they share the processor. */
    queue: HandshakeQueue;
    handshakeDeadlineMs: number;
    certificateReloadMs: number;
    events: TlsTerminatorEvents;
  }) {
    const { security, clock, authenticator } = options;
    this.#security = security;
    this.#clock = clock;
    this.#events = options.events;
    this.#queue = options.queue;
    this.#deadlineMs = options.handshakeDeadlineMs;
    this.#handshakes = new PskHandshakes((identity) => authenticator.pskOf(identity));
    if (security.kind === "tls") {
      const { certFile, keyFile, clientCaFile } = security;
      const paths = {
        cert: certFile,
        key: keyFile,
        ...(clientCaFile === undefined ? {} : { ca: clientCaFile }),
      } as Record<CertificateFile, string>;
      this.#files = new WatchedFiles({ paths, clock, intervalMs: options.certificateReloadMs });
    }
  }

  /** @throws ConfigError FILE_READ or MQTT_CERTIFICATE if the files cannot be used */
  start(): void {
    const contents = this.#files?.read();
    this.#server = createServer({
      ...(contents ? this.#certificateOptions(contents) : {}),
      ...(this.#security.kind === "psk"
        ? { ...common, ciphers: pskCiphers, pskCallback: this.#handshakes.answer }
        : {}),
      // Judged when the handshake is done, so that the refusal can be counted; nothing is read before.
      ...(this.#hasClientCa ? { requestCert: true, rejectUnauthorized: false } : {}),
      handshakeTimeout: 2 * this.#deadlineMs,
    });
    this.#server.on("secureConnection", (stream) => this.#secured(stream));
    this.#server.on("tlsClientError", (error, stream) => this.#failed(error, stream));
    this.#files?.watch(
      (changed) => this.#reload(changed),
      (error) => this.#events.reloaded(error),
    );
  }

  /** Starts the handshake of a socket. The terminator must be started. */
  enter(socket: Socket, peer: string): void {
    const refuse = () => {
      this.#events.refused("handshake-deadline", { peer });
      socket.destroy();
    };
    const pending: Pending = {
      socket,
      deadline: this.#clock.after(this.#deadlineMs, refuse),
      begin: () => {
        hello.putBack();
        pending.deadline = this.#clock.after(this.#deadlineMs, refuse);
        this.#events.began(socket);
        if (!socket.destroyed) this.#server?.emit("connection", socket);
      },
      expired: refuse,
    };
    const hello = new ClientHello(socket, () => {
      pending.deadline.cancel();
      this.#events.queued(socket);
      this.#queue.enter(pending);
    });
    this.#pending.set(peer, pending);
    socket.once("close", () => {
      if (this.#pending.get(peer) === pending) this.#take(peer);
    });
  }

  /** No handshake begins any more; those that have begun go on until their sockets are closed. */
  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
    this.#server = undefined;
    for (const pending of this.#pending.values()) {
      pending.deadline.cancel();
      this.#queue.leave(pending);
    }
  }

  get #hasClientCa(): boolean {
    return this.#security.kind === "tls" && this.#security.clientCaFile !== undefined;
  }

  /** This peer's handshake has ended, whatever its outcome. */
  #take(peer: string): Socket | undefined {
    const pending = this.#pending.get(peer);
    if (!pending) return undefined;
    this.#pending.delete(peer);
    pending.deadline.cancel();
    this.#queue.leave(pending);
    return pending.socket;
  }

  #secured(stream: TLSSocket): void {
    const peer = peerOf(stream);
    const socket = this.#take(peer);
    if (!socket || socket.destroyed) {
      stream.destroy();
      return;
    }
    const proof = this.#proofOf(stream);
    if (typeof proof !== "string") {
      this.#events.secured({ stream, socket, peer, ...(proof ? { proven: proof } : {}) });
      return;
    }
    // Before the end: it takes the certificate along.
    const userName = proof === "client-certificate" ? commonNameOf(stream) : this.#handshakes.claimOf(stream);
    const { authorizationError } = stream;
    // Errors after the end are nobody's.
    stream.on("error", () => {});
    stream.destroy();
    const err =
      proof === "client-certificate" && authorizationError ? { err: String(authorizationError) } : {};
    this.#events.refused(proof, { peer, userName, ...err });
  }

  #proofOf(stream: TLSSocket): WireIdentity | HandshakeRefusal | undefined {
    if (this.#security.kind === "psk") return this.#handshakes.proofOf(stream);
    return this.#hasClientCa ? identityOfCertificate(stream) : undefined;
  }

  #failed(error: Error & { readonly code?: string }, stream: TLSSocket): void {
    const peer = peerOf(stream);
    this.#take(peer);
    // A client that just leaves is not refused: a probe of the port, or a socket that we have closed ourselves.
    if (!error.code?.startsWith("ERR_")) return;
    const reason = this.#handshakes.faultOf(stream) ?? "handshake";
    this.#events.refused(reason, { peer, userName: this.#handshakes.claimOf(stream), err: error.code });
  }

  #reload(contents: FileContents<CertificateFile>): void {
    try {
      this.#server?.setSecureContext(this.#certificateOptions(contents));
      this.#events.reloaded();
    } catch (error) {
      this.#events.reloaded(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** @throws ConfigError MQTT_CERTIFICATE if they are no certificate, no key, or do not belong together */
  #certificateOptions(contents: FileContents<CertificateFile>): TlsOptions {
    const options = { ...common, ...contents };
    try {
      createSecureContext(options);
      // OpenSSL takes a file without any certificate for a CA that has signed nothing.
      if (options.ca !== undefined) new X509Certificate(options.ca);
    } catch (cause) {
      const where = this.#security.kind === "tls" ? this.#security.certFile : "";
      throw new ConfigError(
        "MQTT_CERTIFICATE",
        `cannot use the certificate in ${where}: ${messageOf(cause)}`,
        {
          cause,
        },
      );
    }
    return options;
  }
}
