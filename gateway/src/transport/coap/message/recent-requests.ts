/** A request that was received: its reply is kept for duplicates. */
export interface RecentRequest {
  readonly messageId: number;
  readonly isConfirmable: boolean;
  readonly receivedMs: number;
  /** Acknowledgement or reset that was sent; undefined while there is none. */
  reply?: Uint8Array;
}

/**
 * Recognises duplicates of requests from one peer by message id (RFC 7252 §4.5). Keeps the newest `limit` of them:
 * beyond these a late duplicate is a new request, and the session or the replay window has to recognise it.
 */
export class RecentRequests {
  readonly #limit: number;
  readonly #lifetimes: { readonly exchangeLifetimeMs: number; readonly nonLifetimeMs: number };
  #requests: RecentRequest[] = [];

  constructor(limit: number, lifetimes: { exchangeLifetimeMs: number; nonLifetimeMs: number }) {
    this.#limit = limit;
    this.#lifetimes = lifetimes;
  }

  get size(): number {
    return this.#requests.length;
  }

  /** The request with this id, if this one is its duplicate. */
  find(messageId: number, nowMs: number): RecentRequest | undefined {
    const { exchangeLifetimeMs, nonLifetimeMs } = this.#lifetimes;
    return this.#requests.find(
      (request) =>
        request.messageId === messageId &&
        nowMs - request.receivedMs < (request.isConfirmable ? exchangeLifetimeMs : nonLifetimeMs),
    );
  }

  forget(request: RecentRequest): void {
    this.#requests = this.#requests.filter((other) => other !== request);
  }

  /**
   * Remembers a request.
   * @returns `evicted`: the oldest one was forgotten for it although it has no reply yet
   */
  add(
    messageId: number,
    isConfirmable: boolean,
    nowMs: number,
  ): { request: RecentRequest; evicted: boolean } {
    const request: RecentRequest = { messageId, isConfirmable, receivedMs: nowMs };
    this.#requests = this.#requests.filter((other) => other.messageId !== messageId);
    const oldest = this.#requests.length >= this.#limit ? this.#requests.shift() : undefined;
    this.#requests.push(request);
    return { request, evicted: oldest?.isConfirmable === true && !oldest.reply };
  }
}
