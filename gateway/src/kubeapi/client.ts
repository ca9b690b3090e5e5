import { type Dispatcher, Pool } from "undici";
import type { Clock } from "../foundation/clock.ts";
import { delay } from "../foundation/delay.ts";
import { messageOf, UnavailableError } from "../foundation/errors.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { Credentials } from "./credentials.ts";
import { KubeApiError } from "./errors.ts";
import type {
  KubeClient,
  KubeRequestOptions,
  KubeWatchOptions,
  PatchType,
  WatchEvent,
} from "./kube-client.ts";
import type { KubeStatus } from "./objects.ts";
import { readWatchEvents } from "./watch.ts";
import { type WholeAnswer, wholeAnswer } from "./whole-answer.ts";

const patchMediaTypes: Record<PatchType, string> = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
};

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

interface Timing {
  /** Time for one request with its answer, without the waits of retries after 429. */
  readonly requestTimeoutMs: number;
  /** Retries after 429 or 503 with Retry-After. */
  readonly maxRetries: number;
  readonly maxRetryAfterMs: number;
  /** The API server closes a watch after one to two times this. */
  readonly watchLengthS: number;
  /** A watch that is silent for this time counts as dead; bookmarks arrive about every minute. */
  readonly watchSilenceMs: number;
}

const defaultTiming: Timing = {
  requestTimeoutMs: 15_000,
  maxRetries: 3,
  maxRetryAfterMs: 10_000,
  watchLengthS: 300,
  watchSilenceMs: 150_000,
};

/** Receives the outcome of each write, to compute how many may run at the same time. Calls must not throw. */
export interface Pace {
  /** @param inFlight writes in flight at that time, including itself */
  answered(tookMs: number, inFlight: number, nowMs: number): void;
  /** The server asked for fewer requests (429, 503), or did not answer in time. */
  refused(nowMs: number): void;
}

interface Options {
  readonly credentials: Credentials;
  readonly clock: Clock;
  /** Requests at the same time; further ones wait. */
  readonly connections?: number;
  readonly timing?: Partial<Timing>;
  readonly pace?: Pace;
}

interface Pools {
  readonly requests: Pool;
  /** Each watch occupies a connection for minutes. */
  readonly watches: Pool;
}

type KubeMeters = ReturnType<typeof kubeMeters>;

function kubeMeters(metrics: Metrics) {
  return {
    requests: metrics.counter("motelet_kube_requests_total", "Requests to the API server by answer", [
      "verb",
      "code",
    ]),
    reconnects: metrics.counter(
      "motelet_kube_reconnects_total",
      "How often all connections to the API server were replaced after a request without an answer",
    ),
    retries: metrics.counter(
      "motelet_kube_retries_total",
      "Requests that were repeated after the time in Retry-After",
    ),
  };
}

/** A restart of the API server takes some seconds; whoever asks for readiness need not hear of it. */
const silencePatienceMs = 15_000;

/**
 * KubeClient over two pools of kept-alive HTTP/1.1 connections: a small pool for requests, and one for watches, because
 * each watch occupies a connection for minutes. Measured before: client-node opens a TLS connection for each call.
 */
export class HttpKubeClient implements KubeClient, AsyncDisposable {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #timing: Timing;
  readonly #prefix: string;
  readonly #options: Options;
  readonly #meters: KubeMeters;
  readonly #openPools: () => Pools;
  #pools: Pools;
  /** Writes that are on their way. */
  #writing = 0;
  /** Since when there is no answer, and why not; undefined while there is one. */
  #silence: { readonly sinceMs: number; readonly reason: string } | undefined;

  /** @param options.metrics counts the requests; a sibling (see {@link sibling}) shares the `meters` of its parent */
  constructor(options: Options & ({ readonly metrics: Metrics } | { readonly meters: KubeMeters })) {
    const { credentials } = options;
    this.#options = options;
    this.#credentials = credentials;
    this.#clock = options.clock;
    this.#timing = { ...defaultTiming, ...options.timing };
    const url = new URL(credentials.server);
    this.#prefix = url.pathname.replace(/\/$/, "");
    const common = {
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: 60_000,
      connect: {
        timeout: 5_000,
        rejectUnauthorized: credentials.verify,
        ...(credentials.ca ? { ca: credentials.ca } : {}),
        ...(credentials.cert && credentials.key ? { cert: credentials.cert, key: credentials.key } : {}),
        ...(credentials.serverName ? { servername: credentials.serverName } : {}),
      },
    };
    this.#openPools = () => ({
      requests: new Pool(url.origin, { ...common, connections: options.connections ?? 8 }),
      watches: new Pool(url.origin, {
        ...common,
        headersTimeout: 30_000,
        bodyTimeout: this.#timing.watchSilenceMs,
      }),
    });
    this.#pools = this.#openPools();
    this.#meters = "meters" in options ? options.meters : kubeMeters(options.metrics);
  }

  /**
   * A client of the same API server with its own connections, so that the requests of one do not wait for those of the
   * other.
   */
  sibling(options: Omit<Options, "credentials" | "clock">): HttpKubeClient {
    const { credentials, clock } = this.#options;
    return new HttpKubeClient({ credentials, clock, ...options, meters: this.#meters });
  }

  get<T>(path: string, options?: KubeRequestOptions): Promise<T> {
    return this.#call<T>("GET", path, undefined, "application/json", options);
  }

  create<T>(path: string, body: unknown, options?: KubeRequestOptions): Promise<T> {
    return this.#call<T>("POST", path, body, "application/json", options);
  }

  replace<T>(path: string, body: unknown, options?: KubeRequestOptions): Promise<T> {
    return this.#call<T>("PUT", path, body, "application/json", options);
  }

  patch<T>(path: string, body: unknown, type: PatchType, options?: KubeRequestOptions): Promise<T> {
    return this.#call<T>("PATCH", path, body, patchMediaTypes[type], options);
  }

  delete<T>(path: string, body?: unknown, options?: KubeRequestOptions): Promise<T> {
    return this.#call<T>("DELETE", path, body, "application/json", options);
  }

  async *watch<T>(path: string, options: KubeWatchOptions = {}): AsyncGenerator<WatchEvent<T>> {
    const lengthS = Math.round(this.#timing.watchLengthS * (1 + Math.random()));
    const query = { ...options.query, watch: true, allowWatchBookmarks: true, timeoutSeconds: lengthS };
    const target = this.#target(path, query);
    try {
      const answer = await this.#pools.watches.request({
        method: "GET",
        path: target,
        headers: await this.#headers("application/json"),
        ...(options.signal ? { signal: options.signal } : {}),
      });
      this.#meters.requests.inc({ verb: "watch", code: String(answer.statusCode) });
      this.#answered(answer.statusCode, `watch ${path}`);
      if (answer.statusCode >= 300) throw await errorOf(answer, `watch ${path}`);
      options.onOpen?.();
      yield* readWatchEvents<T>(answer.body);
    } catch (error) {
      if (options.signal?.aborted) return;
      const told = asUnavailable(error, `watch ${path}`);
      if (!(told instanceof KubeApiError)) this.#unanswered(told.message);
      throw told;
    }
  }

  /** For readiness: the reason if the API server has not answered for 15 s. Refusals are answers. */
  unhealthyReason(): string | undefined {
    if (this.#silence === undefined) return undefined;
    const silentMs = this.#clock.monotonicMs() - this.#silence.sinceMs;
    if (silentMs < silencePatienceMs) return undefined;
    return `no answer for ${Math.round(silentMs / 1_000)} s: ${this.#silence.reason}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { requests, watches } = this.#pools;
    await Promise.all([requests.destroy(), watches.destroy()]);
  }

  /**
   * An answer that does not come mostly means a path that swallows what is sent, and every connection went that way: each would
   * cost one more request its time-out, and a watch its two minutes and a half of silence.
   */
  #giveUpConnections(): void {
    const { requests, watches } = this.#pools;
    this.#pools = this.#openPools();
    this.#meters.reconnects.inc();
    const reason = new UnavailableError("KUBE_UNREACHABLE", "the connection was given up with all others");
    for (const pool of [requests, watches]) pool.destroy(reason).catch(() => undefined);
  }

  async #call<T>(
    method: Method,
    path: string,
    body: unknown,
    mediaType: string,
    options: KubeRequestOptions = {},
  ): Promise<T> {
    const target = this.#target(path, options.query);
    const subject = `${method} ${path}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    let freshToken = false;
    for (let attempt = 0; ; attempt++) {
      let answer: WholeAnswer;
      const pools = this.#pools;
      const judge = this.#judgeWrite(method);
      try {
        answer = await wholeAnswer(
          pools.requests,
          { method, path: target, headers: await this.#headers(mediaType, freshToken), body: text ?? null },
          { timeoutMs: this.#timing.requestTimeoutMs, signal: options.signal },
        );
      } catch (error) {
        judge(isTimeout(error) ? "late" : "lost");
        options.signal?.throwIfAborted();
        this.#meters.requests.inc({ verb: method, code: "none" });
        // The first to miss its answer gives up for all that went the same way.
        if (isTimeout(error) && pools === this.#pools) this.#giveUpConnections();
        const told = asUnavailable(error, subject);
        this.#unanswered(told.message);
        throw told;
      }
      judge(answer.statusCode);
      this.#meters.requests.inc({ verb: method, code: String(answer.statusCode) });
      this.#answered(answer.statusCode, subject);
      if (answer.statusCode < 300) return withoutManagedFields(parseJson(answer.text)) as T;
      const waitMs = this.#retryAfterMs(answer);
      const refused: boolean = answer.statusCode === 401 && !freshToken;
      if (attempt >= this.#timing.maxRetries || (waitMs === undefined && !refused)) {
        throw new KubeApiError(answer.statusCode, statusOf(answer.text), subject);
      }
      freshToken = refused;
      this.#meters.retries.inc();
      if (waitMs !== undefined) await delay(this.#clock, waitMs, options.signal);
    }
  }

  /** A write begins. @returns a function for its outcome */
  #judgeWrite(method: Method): (outcome: number | "late" | "lost") => void {
    const { pace, clock } = this.#options;
    // A list of thousands takes its time on the quickest server.
    if (!pace || method === "GET") return () => {};
    const startedMs = clock.monotonicMs();
    this.#writing += 1;
    return (outcome) => {
      const nowMs = clock.monotonicMs();
      const inFlight = this.#writing;
      this.#writing -= 1;
      if (outcome === "late" || outcome === 429 || outcome === 503) pace.refused(nowMs);
      else if (outcome !== "lost") pace.answered(nowMs - startedMs, inFlight, nowMs);
    };
  }

  async #headers(mediaType: string, freshToken = false): Promise<Record<string, string>> {
    const token = await this.#credentials.token(freshToken);
    const headers: Record<string, string> = {
      accept: "application/json",
      "content-type": mediaType,
      "user-agent": "motelet",
    };
    if (token) headers.authorization = `Bearer ${token}`;
    return headers;
  }

  #answered(statusCode: number, subject: string): void {
    if (statusCode >= 500) this.#unanswered(`${subject}: HTTP ${statusCode}`);
    else this.#silence = undefined;
  }

  #unanswered(reason: string): void {
    this.#silence = { sinceMs: this.#silence?.sinceMs ?? this.#clock.monotonicMs(), reason };
  }

  #target(path: string, query: KubeRequestOptions["query"]): string {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(query ?? {})) {
      if (value !== undefined) parameters.set(name, String(value));
    }
    const text = parameters.toString();
    return `${this.#prefix}${path}${text ? `?${text}` : ""}`;
  }

  /** 429, and 503 of a server that starts or stops, say when to come again. */
  #retryAfterMs(answer: WholeAnswer): number | undefined {
    if (answer.statusCode !== 429 && answer.statusCode !== 503) return undefined;
    const seconds = Number(answer.headers["retry-after"]);
    if (!Number.isFinite(seconds)) return undefined;
    return Math.min(this.#timing.maxRetryAfterMs, seconds * 1_000);
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/** Often the larger half of an object, of no use to us; absent in a later PUT they are kept by the API server. */
function withoutManagedFields(answer: unknown): unknown {
  const { metadata } = (answer ?? {}) as { metadata?: { managedFields?: unknown } };
  if (metadata) delete metadata.managedFields;
  return answer;
}

function parseJson(text: string): unknown {
  return text === "" ? undefined : JSON.parse(text);
}

function statusOf(text: string): KubeStatus {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch {
    // A proxy's page: its first words still say more than the number.
  }
  return { message: text.slice(0, 200) };
}

async function errorOf(answer: Dispatcher.ResponseData, subject: string): Promise<KubeApiError> {
  return new KubeApiError(answer.statusCode, statusOf(await answer.body.text()), subject);
}

/** Whatever is not an answer is a failure of the connection. */
function asUnavailable(error: unknown, subject: string): Error {
  if (error instanceof KubeApiError) return error;
  return new UnavailableError("KUBE_UNREACHABLE", `${subject}: ${messageOf(error)}`, { cause: error });
}
