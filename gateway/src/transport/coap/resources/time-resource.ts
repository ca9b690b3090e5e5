import type { Clock, Timer } from "../../../foundation/clock.ts";
import type { MessageContent } from "../message/codec.ts";
import { Code } from "../message/codes.ts";
import type { Observation } from "../message/observation.ts";
import { Option, optionUint } from "../message/options.ts";
import type { Peer } from "../message/peer.ts";
import { formatsAttribute, represent } from "./formats.ts";
import { type CoapRequest, problem, type Resource } from "./resource.ts";

export interface TimeResourceOptions {
  readonly clock: Clock;
  /** Time between two notifications, milliseconds. */
  readonly periodMs: number;
  /** Clients that observe the time; others get it once. */
  readonly observers: number;
  /** The response that asks a client to prove its address first (RFC 9175 §2.4). */
  readonly demandEcho: (peer: Peer) => MessageContent;
}

/** `/time`: the gateway's clock, for people with a CoAP client. It can be observed. */
export class TimeResource implements Resource, Disposable {
  readonly path = "time";
  readonly attributes = `;rt="motelet.time"${formatsAttribute};obs`;
  readonly isBlockwise = true;
  readonly methods = { [Code.get]: (request: CoapRequest) => this.#get(request) };
  readonly #options: TimeResourceOptions;
  readonly #observers = new Map<Observation, CoapRequest>();
  #timer: Timer | undefined;

  constructor(options: TimeResourceOptions) {
    this.#options = options;
  }

  get observers(): number {
    return this.#observers.size;
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    for (const observation of this.#observers.keys())
      observation.end("ended", problem(Code.serviceUnavailable, "the gateway stops"));
  }

  #get(request: CoapRequest) {
    const response = this.#now(request);
    if (response.code !== Code.content) return response;
    const observe = optionUint(request.options, Option.observe);
    // One request would cause any number of notifications.
    if (observe === 0 && !request.peer.budget.isVerified) return this.#options.demandEcho(request.peer);
    const mayObserve = observe === 0 && this.#observers.size < this.#options.observers;
    const observation = mayObserve ? request.observe(() => this.#forget(observation)) : undefined;
    if (!observation) return response;
    this.#observers.set(observation, request);
    this.#timer ??= this.#schedule();
    return observation.first(response);
  }

  #now(request: CoapRequest) {
    const ms = this.#options.clock.wallMs();
    const time = new Date(ms).toISOString();
    const value = { time, s: Math.floor(ms / 1000), ms: ms % 1000 };
    // Short, so that the answer to a short request fits the budget of an address that is not verified.
    return represent(request, value, Math.ceil(this.#options.periodMs / 1000), `${time}\n`);
  }

  #schedule(): Timer {
    return this.#options.clock.after(this.#options.periodMs, () => {
      for (const [observation, request] of this.#observers) observation.notify(this.#now(request));
      this.#timer = this.#observers.size > 0 ? this.#schedule() : undefined;
    });
  }

  #forget(observation: Observation | undefined): void {
    if (observation) this.#observers.delete(observation);
  }
}
