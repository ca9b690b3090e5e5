export interface AdaptiveLimitOptions {
  readonly min: number;
  readonly max: number;
  /** The initial limit. */
  readonly start: number;
}

/** Answers until the limit is computed again. */
const windowAnswers = 20;
/** The limit is too high if an answer takes this many times as long as with half the requests. */
const tolerance = 1.5;
/** What remains of the limit where the server asks for less. */
const afterRefusal = 0.7;
/** All requests that were on their way are refused together. */
const cutEveryMs = 1_000;
/** How often the latency with half the requests is measured again: an old measurement means nothing. */
const probeEveryMs = 30_000;

interface Window {
  readonly isProbe: boolean;
  answers: number;
  sumMs: number;
  maxInFlight: number;
}

/**
 * How many requests a server gets at the same time: more as long as that does not slow its answers, fewer if it does,
 * and much fewer if the server asks for it (429). Based on the gradient limits of Netflix' concurrency-limits. The
 * reference latency is measured from time to time with half the requests. Stays within its bounds. Pure: times are
 * arguments (milliseconds, monotonic).
 */
export class AdaptiveLimit {
  readonly #options: AdaptiveLimitOptions;
  #limit: number;
  /** Latency with few requests; undefined before the first window. */
  #quickMs: number | undefined;
  #probedAtMs: number | undefined;
  #cutAtMs = Number.NEGATIVE_INFINITY;
  #window: Window = newWindow(true);

  constructor(options: AdaptiveLimitOptions) {
    this.#options = options;
    this.#limit = options.start;
  }

  /** Requests allowed at the same time. */
  get limit(): number {
    return this.#window.isProbe ? this.#within(this.#limit / 2) : this.#within(this.#limit);
  }

  /**
   * A request was answered.
   * @param inFlight requests in flight at that time, including itself
   */
  answered(tookMs: number, inFlight: number, nowMs: number): void {
    const window = this.#window;
    window.answers += 1;
    window.sumMs += tookMs;
    window.maxInFlight = Math.max(window.maxInFlight, inFlight);
    if (window.answers >= windowAnswers) this.#judge(nowMs);
  }

  /** The server asked for fewer requests, or did not answer in time. Several refusals at one moment count as one. */
  refused(nowMs: number): void {
    if (nowMs - this.#cutAtMs < cutEveryMs) return;
    this.#cutAtMs = nowMs;
    this.#limit = Math.max(this.#options.min, this.#limit * afterRefusal);
    this.#window = newWindow(false);
  }

  #judge(nowMs: number): void {
    const { isProbe, answers, sumMs, maxInFlight } = this.#window;
    const tookMs = sumMs / answers;
    if (isProbe) {
      this.#quickMs = tookMs;
      this.#probedAtMs = nowMs;
    } else if (maxInFlight >= this.#within(this.#limit)) {
      // A limit that nobody reached says nothing about a higher one.
      const gradient = Math.min(1, Math.max(0.5, (tolerance * (this.#quickMs ?? tookMs)) / tookMs));
      const wanted = this.#limit * gradient + Math.sqrt(this.#limit);
      this.#limit += (wanted - this.#limit) / 4;
    }
    this.#limit = Math.min(this.#options.max, Math.max(this.#options.min, this.#limit));
    this.#window = newWindow(nowMs - (this.#probedAtMs ?? Number.NEGATIVE_INFINITY) >= probeEveryMs);
  }

  #within(limit: number): number {
    return Math.max(this.#options.min, Math.min(this.#options.max, Math.floor(limit)));
  }
}

function newWindow(isProbe: boolean): Window {
  return { isProbe, answers: 0, sumMs: 0, maxInFlight: 0 };
}
