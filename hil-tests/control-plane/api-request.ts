import { Agent, request } from "node:https";
import { RigError } from "../rig/errors.ts";
import type { KeyPair } from "./authority.ts";

export interface ApiAnswer {
  readonly status: number;
  /** The body, parsed when it is JSON, else its text. */
  readonly body: unknown;
}

/** Calls one HTTPS server of the control plane as the administrator. */
export class ApiRequests implements Disposable {
  readonly #agent: Agent;

  constructor(caPem: string, client: KeyPair) {
    this.#agent = new Agent({ ca: caPem, cert: client.certificate, key: client.key, keepAlive: false });
  }

  /**
   * One request; any status is an answer.
   * @throws RigError API_UNREACHABLE when there is none within `timeoutMs`
   */
  async send(
    method: string,
    url: string,
    options: { body?: unknown; contentType?: string; timeoutMs?: number } = {},
  ): Promise<ApiAnswer> {
    const { body, contentType = "application/json", timeoutMs = 10_000 } = options;
    return new Promise((resolve, reject) => {
      const fail = (cause: Error): void =>
        reject(new RigError("API_UNREACHABLE", `${method} ${url} failed: ${cause.message}`, { cause }));
      const call = request(
        url,
        {
          agent: this.#agent,
          method,
          headers: body === undefined ? {} : { "content-type": contentType },
          signal: AbortSignal.timeout(timeoutMs),
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", fail);
          response.on("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            const isJson = response.headers["content-type"]?.startsWith("application/json") ?? false;
            resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(text) : text });
          });
        },
      );
      call.on("error", fail);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
