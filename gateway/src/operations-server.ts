import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError, messageOf } from "./foundation/errors.ts";
import type { Metrics } from "./foundation/metrics.ts";

/** A part that must work before the gateway is ready: undefined if it works, else the reason. */
export type ReadinessCheck = () => string | undefined;

/** Limits of a port for occasional probes and scrapes, without authentication. */
export const operationsLimits = {
  connections: 64,
  headerBytes: 8_192,
  headersMs: 5_000,
  requestMs: 10_000,
  keepAliveMs: 65_000,
} as const;

/**
 * The endpoints for operators and probes, unauthenticated on their own port: /healthz (the process answers), /readyz
 * (200 if every part works, else 503 and one reason per line), /metrics (Prometheus text).
 */
export class OperationsServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #options: { readonly host: string; readonly port: number };

  constructor(options: {
    readonly host: string;
    readonly port: number;
    readonly metrics: Metrics;
    readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  }) {
    this.#options = options;
    const refused = options.metrics.counter(
      "motelet_operations_refused_total",
      "Connections to the operations port that were refused",
      ["reason"],
    );
    const limits = {
      maxHeaderSize: operationsLimits.headerBytes,
      headersTimeout: operationsLimits.headersMs,
      requestTimeout: operationsLimits.requestMs,
      keepAliveTimeout: operationsLimits.keepAliveMs,
      connectionsCheckingInterval: 1_000,
    };
    this.#server = createServer(limits, (request, response) => {
      const answer = (code: number, body: string, type = "text/plain; charset=utf-8") => {
        response.writeHead(code, { "content-type": type }).end(body);
      };
      // Not as a URL: of what some targets are (//, http://[) none can be made, and the throw would end the process.
      const [path = ""] = (request.url ?? "").split("?", 1);
      if (request.method !== "GET" && request.method !== "HEAD") return answer(405, "only GET\n");
      switch (path) {
        case "/healthz":
          return answer(200, "ok\n");
        case "/readyz": {
          const reasons = Object.entries(options.readiness).flatMap(([part, check]) => {
            const reason = reasonOf(check);
            return reason === undefined ? [] : [`${part}: ${reason}\n`];
          });
          return reasons.length === 0 ? answer(200, "ok\n") : answer(503, reasons.join(""));
        }
        case "/metrics":
          options.metrics.expose().then(
            (text) => answer(200, text, "text/plain; version=0.0.4; charset=utf-8"),
            (error: unknown) => answer(500, `${messageOf(error)}\n`),
          );
          return;
        default:
          return answer(404, "try /healthz, /readyz or /metrics\n");
      }
    });
    this.#server.maxConnections = operationsLimits.connections;
    this.#server.on("drop", () => refused.inc({ reason: "connection-limit" }));
    this.#server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
      const reason = reasonOfClientError(error.code);
      if (reason !== undefined) refused.inc({ reason });
      socket.destroy();
    });
  }

  /** @throws ConfigError if it cannot listen on the address */
  async start(): Promise<{ readonly port: number }> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", (cause) =>
        reject(
          new ConfigError(
            "OPERATIONS_LISTEN",
            `cannot listen on ${host}:${port} (operations.port): ${messageOf(cause)}`,
            { cause },
          ),
        ),
      );
      this.#server.listen(port, host, resolve);
    });
    return { port: (this.#server.address() as AddressInfo).port };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    await new Promise((resolve) => {
      this.#server.close(resolve);
      this.#server.closeAllConnections();
    });
  }
}

/** @returns undefined if the client has just gone */
function reasonOfClientError(code: string | undefined): string | undefined {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "header-too-long";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "too-slow";
    case "ECONNRESET":
    case "EPIPE":
    case "HPE_INVALID_EOF_STATE":
      return undefined;
    default:
      return "not-http";
  }
}

/** A part that cannot even be asked must not silence the others. */
function reasonOf(check: ReadinessCheck): string | undefined {
  try {
    return check();
  } catch (error) {
    return `cannot be asked: ${messageOf(error)}`;
  }
}
