import type { Clock } from "../../../foundation/clock.ts";
import type { CoapLimits } from "../coap-limits.ts";
import type { CoapMeters } from "../coap-meters.ts";
import { AddressBudget } from "./amplification.ts";
import {
  type CoapMessage,
  decodeDatagram,
  encodeDatagram,
  encodeEmpty,
  type MessageContent,
  type MessageType,
} from "./codec.ts";
import { Code, formatCode, isRequest } from "./codes.ts";
import { MessageIds } from "./message-ids.ts";
import { Observation, type ObservationEnd, type ObservationPort } from "./observation.ts";
import { Outbox, type OutgoingMessage } from "./outbox.ts";
import type { TransmissionParameters } from "./parameters.ts";
import type { Peer, PeerAddress } from "./peer.ts";
import { PeerTable } from "./peer-table.ts";
import { PeerTimers } from "./peer-timers.ts";
import { type RecentRequest, RecentRequests } from "./recent-requests.ts";

/**
 * @returns the response; undefined: none, a confirmable request is only acknowledged; "postponed": no reply at all, and the
 *   retransmission of the request is a new one
 */
export type RequestHandler = (
  message: CoapMessage,
  peer: Peer,
) => MessageContent | undefined | "postponed" | Promise<MessageContent | undefined>;

export interface EndpointOptions {
  readonly limits: CoapLimits;
  readonly parameters: TransmissionParameters;
  readonly clock: Clock;
  /** 0 ≤ random < 1; must not be predictable. */
  readonly random: () => number;
  readonly meters: CoapMeters;
  /** Sends a datagram. @returns false: dropped, and counted by the socket */
  readonly send: (bytes: Uint8Array, to: PeerAddress) => boolean;
  readonly handle: RequestHandler;
  readonly failed: (error: unknown, peer: Peer) => void;
}

/**
 * The message layer of a CoAP server (RFC 7252 §4): which datagrams are requests, which of them are duplicates, and how
 * responses and notifications reach their peers. The content of a request is the handler's business.
 */
export class Endpoint implements Disposable {
  readonly #options: EndpointOptions;
  readonly #peers: PeerTable;
  readonly #timers: PeerTimers;

  constructor(options: EndpointOptions) {
    this.#options = options;
    const { limits, clock, meters, random } = options;
    this.#timers = new PeerTimers(clock, (peer) => peer.outbox.poll(clock.monotonicMs(), random()));
    this.#peers = new PeerTable({
      limits,
      build: (address, name, nowMs) => this.#build(address, name, nowMs),
      forgotten: (peer, why) => {
        this.#timers.cancel(peer);
        if (why === "evicted") meters.dropped("stranger-evicted");
      },
      counted: (strangers, observers) => meters.peers(strangers, observers),
    });
  }

  /** Takes a datagram as it came from the socket. */
  receive(bytes: Uint8Array, from: PeerAddress): void {
    const { meters, limits, clock } = this.#options;
    meters.received();
    const decoded = decodeDatagram(bytes, limits.datagramBytes);
    if ("fault" in decoded) {
      meters.malformed(decoded.fault);
      // No peer is remembered for it. A reset is not longer than what it rejects.
      if (decoded.rejects !== undefined) this.#options.send(encodeEmpty("RST", decoded.rejects), from);
      return;
    }
    const { message } = decoded;
    const nowMs = clock.monotonicMs();
    const peer = this.#peers.heard(from, nowMs);
    peer.budget.received(bytes.length);
    if (message.type === "ACK" || message.type === "RST") {
      const result = message.type === "ACK" ? "acknowledged" : "reset";
      peer.outbox.settle(message.messageId, result, nowMs, this.#options.random());
      this.#timers.follow(peer);
    } else if (isRequest(message.code)) this.#request(message, peer, nowMs);
    // A ping (RFC 7252 §4.3), or a response to a request that was never sent.
    else if (message.type === "CON") this.#emit(encodeEmpty("RST", message.messageId), peer);
  }

  /**
   * Begins an observation for the request's token.
   * @returns undefined if the peer, or the endpoint, has too many of them
   */
  observe(
    peer: Peer,
    token: Uint8Array,
    options: {
      seal: (content: MessageContent) => MessageContent | undefined;
      onEnded: (why: ObservationEnd) => void;
    },
  ): Observation | undefined {
    const key = Buffer.from(token).toString("hex");
    peer.observations.get(key)?.end("replaced");
    const { limits } = this.#options;
    if (peer.observations.size >= limits.observationsPerPeer || !this.#peers.keep(peer)) return undefined;
    const observation = new Observation({ token, ...options, port: this.#portOf(key, peer) });
    peer.observations.set(key, observation);
    return observation;
  }

  /**
   * The client of the observation is at another address now (NAT, roaming).
   * @returns false: there are too many observers, and nothing has changed
   */
  move(observation: Observation, peer: Peer): boolean {
    const key = Buffer.from(observation.token).toString("hex");
    if (!this.#peers.keep(peer)) return false;
    observation.move(this.#portOf(key, peer));
    peer.observations.set(key, observation);
    return true;
  }

  [Symbol.dispose](): void {
    this.#timers[Symbol.dispose]();
  }

  #portOf(key: string, peer: Peer): ObservationPort {
    return {
      push: (message) => this.#push(message, peer),
      ended: (ended) => {
        peer.observations.delete(key);
        peer.outbox.forget(({ token }) => token === ended.token);
        this.#timers.follow(peer);
        if (peer.observations.size === 0) this.#peers.release(peer);
      },
    };
  }

  #request(message: CoapMessage, peer: Peer, nowMs: number): void {
    const { meters, handle, failed } = this.#options;
    const isConfirmable = message.type === "CON";
    const known = peer.requests.find(message.messageId, nowMs);
    if (known) {
      meters.duplicate();
      if (isConfirmable && known.reply) this.#emit(known.reply, peer);
      return;
    }
    const { request, evicted } = peer.requests.add(message.messageId, isConfirmable, nowMs);
    if (evicted) meters.dropped("exchange-evicted");
    try {
      const response = handle(message, peer);
      if (response === "postponed") peer.requests.forget(request);
      else if (response instanceof Promise) this.#separate(message, peer, request, response);
      else this.#respond(message, peer, request, response);
    } catch (error) {
      failed(error, peer);
      this.#respond(message, peer, request, internalError);
    }
  }

  /** Acknowledges the request if its response is late, and sends the response when there is one. */
  #separate(
    message: CoapMessage,
    peer: Peer,
    request: RecentRequest,
    response: Promise<MessageContent | undefined>,
  ): void {
    const { clock, parameters, failed } = this.#options;
    const timer = clock.after(parameters.separateAfterMs, () => {
      if (request.isConfirmable) this.#reply(encodeEmpty("ACK", message.messageId), peer, request);
    });
    const finish = (content: MessageContent | undefined) => {
      timer.cancel();
      if (!request.reply || !content) this.#respond(message, peer, request, content);
      else this.#push({ token: message.token, content, mayBeNonConfirmable: false, ended: () => {} }, peer);
    };
    response.then(finish, (error: unknown) => {
      failed(error, peer);
      finish(internalError);
    });
  }

  #respond(
    message: CoapMessage,
    peer: Peer,
    request: RecentRequest,
    content: MessageContent | undefined,
  ): void {
    if (content) this.#options.meters.responded(formatCode(content.code));
    const { messageId, token } = message;
    if (!request.isConfirmable) {
      const id = content && this.#takeId(peer);
      if (content && id !== undefined)
        this.#emit(encodeDatagram({ type: "NON", messageId: id, token, ...content }), peer);
    } else if (content)
      this.#reply(encodeDatagram({ type: "ACK", messageId, token, ...content }), peer, request);
    else if (!request.reply) this.#reply(encodeEmpty("ACK", messageId), peer, request);
  }

  #reply(bytes: Uint8Array, peer: Peer, request: RecentRequest): void {
    request.reply = bytes;
    this.#emit(bytes, peer);
  }

  #push(message: OutgoingMessage, peer: Peer): boolean {
    const { clock, random, meters } = this.#options;
    const isTaken = peer.outbox.push(message, clock.monotonicMs(), random());
    if (!isTaken) meters.dropped("queue-full");
    this.#timers.follow(peer);
    return isTaken;
  }

  #takeId(peer: Peer): number | undefined {
    const id = peer.ids.take(this.#options.clock.monotonicMs());
    if (id === undefined) this.#options.meters.dropped("message-ids");
    return id;
  }

  /** Sends what the budget of the address allows. */
  #emit(bytes: Uint8Array, peer: Peer): boolean {
    if (peer.budget.take(bytes.length)) return this.#options.send(bytes, peer);
    this.#options.meters.dropped("amplification");
    return false;
  }

  #build(address: PeerAddress, name: string, nowMs: number): Peer {
    const { limits, parameters, random, meters } = this.#options;
    const ids = new MessageIds(parameters.exchangeLifetimeMs, random());
    const transmit = ({ token, content }: OutgoingMessage, type: MessageType, messageId: number) => {
      const bytes = encodeDatagram({ type, messageId, token, ...content });
      this.#emit(bytes, peer);
      return bytes;
    };
    const retransmit = (bytes: Uint8Array) => {
      meters.retransmitted();
      this.#emit(bytes, peer);
    };
    const gaveUp = (sentMs: number) => {
      meters.timedOut();
      return peer.heardMs > sentMs ? "lost" : "timed-out";
    };
    const peer: Peer = {
      address: address.address,
      port: address.port,
      name,
      budget: new AddressBudget(),
      requests: new RecentRequests(limits.exchangesPerPeer, parameters),
      ids,
      outbox: new Outbox({
        parameters,
        limits: { exchanges: limits.exchangesPerPeer, queued: limits.queuedPerPeer },
        ids,
        port: { transmit, retransmit, gaveUp },
      }),
      observations: new Map(),
      heardMs: nowMs,
    };
    return peer;
  }
}

const internalError: MessageContent = {
  code: Code.internalServerError,
  options: [],
  payload: new Uint8Array(0),
};
