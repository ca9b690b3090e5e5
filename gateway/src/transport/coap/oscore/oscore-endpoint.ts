import { type CoapMessage, coapCode, coapOption, noBytes, optionOf } from "./coap-message.ts";
import { type OscoreFault, refuse, type Unprotected } from "./faults.ts";
import { type OscoreOption, partialIvValue } from "./oscore-option.ts";
import type { OscorePeer } from "./oscore-peer.ts";
import type { PeerTable } from "./peer-table.ts";
import { protectResponse, type RequestBinding, readOscoreOption, unprotectRequest } from "./protection.ts";

/** A request that was accepted: kept until its response, or the last notification of its observation, is sent. */
export interface OscoreExchange {
  readonly peer: OscorePeer;
  readonly binding: RequestBinding;
  /** Whether the request's own nonce may protect the response: it may once. */
  requestNonceFree: boolean;
}

export type Received =
  | { readonly kind: "request"; readonly message: CoapMessage; readonly exchange: OscoreExchange }
  /** The sender has to prove that its request is fresh: send `response`, do nothing else. */
  | { readonly kind: "challenge"; readonly peer: OscorePeer; readonly response: CoapMessage }
  /**
   * A challenge is due, but there is no sequence number for it. Send nothing, and do not count the message as handled: the device
   * repeats it. A caller that keeps it until `peer.sequence.ready` may call `receive` again.
   */
  | { readonly kind: "waiting"; readonly peer: OscorePeer }
  /** Count it, and answer `oscoreFaults[fault]` or nothing. */
  | { readonly kind: "refused"; readonly fault: OscoreFault };

export interface EndpointOptions {
  /** From a cryptographic source. */
  readonly randomBytes: (count: number) => Uint8Array;
  /**
   * `request`: a response may take the nonce of its request, which saves 2–6 bytes and a sequence number. Only safe if two processes
   * never serve one key at a time: a pod on a node that lost its network could answer a replay of what its successor has
   * answered. `own`, the default: never.
   */
  readonly responseNonce?: "request" | "own";
}

const echoBytes = 8;

/** The server side of OSCORE: finds the peer of a request, judges replays, and protects what is sent back. */
export class OscoreEndpoint {
  readonly #peers: PeerTable;
  readonly #randomBytes: (count: number) => Uint8Array;
  readonly #ownNonceOnly: boolean;

  constructor(peers: PeerTable, { randomBytes, responseNonce = "own" }: EndpointOptions) {
    this.#peers = peers;
    this.#randomBytes = randomBytes;
    this.#ownNonceOnly = responseNonce === "own";
  }

  /** Judges a message that came as a request (RFC 8613 §8.2). Nothing changes unless it is authentic. */
  receive(message: CoapMessage): Received {
    const found = this.#open(message);
    if (!found.ok) return { kind: "refused", fault: found.fault };
    const { peer, binding, sequence } = found;
    const exchange = { peer, binding, requestNonceFree: !this.#ownNonceOnly };
    if (peer.verified) {
      peer.accept(sequence);
      return { kind: "request", message: found.message, exchange };
    }
    if (isEcho(found.message, peer.echo)) {
      peer.verify(sequence);
      const options = found.message.options.filter(([number]) => number !== coapOption.echo);
      return { kind: "request", message: { ...found.message, options }, exchange };
    }
    return this.#challenge(peer, binding, sequence);
  }

  /**
   * Protects a response or a notification (RFC 8613 §8.3).
   * @returns undefined if there is no sequence number for it now
   */
  respond(exchange: OscoreExchange, message: CoapMessage): CoapMessage | undefined {
    const { peer, binding } = exchange;
    if (exchange.requestNonceFree) {
      exchange.requestNonceFree = false;
      return protectResponse(peer.context, message, binding, undefined);
    }
    const sequence = peer.sequence.take();
    return sequence === undefined ? undefined : protectResponse(peer.context, message, binding, sequence);
  }

  #challenge(peer: OscorePeer, binding: RequestBinding, sequence: number): Received {
    const own = peer.sequence.take();
    if (own === undefined) return { kind: "waiting", peer };
    peer.accept(sequence);
    peer.echo ??= this.#randomBytes(echoBytes);
    const challenge = {
      code: coapCode.unauthorized,
      options: [[coapOption.echo, peer.echo] as const],
      payload: noBytes,
    };
    // Never under the request's nonce: before the restart it may have protected the real response.
    return { kind: "challenge", peer, response: protectResponse(peer.context, challenge, binding, own) };
  }

  #open(
    message: CoapMessage,
  ): Unprotected<{ peer: OscorePeer; message: CoapMessage; binding: RequestBinding; sequence: number }> {
    const read = readOscoreOption(message);
    if (!read.ok) return read;
    const { kid, kidContext, partialIv } = read.option;
    if (!kid || !partialIv) return refuse("malformed");
    const peers = this.#peers.find(kid, kidContext);
    if (peers.length === 0) return refuse("unknown-context");
    const sequence = partialIvValue(partialIv);
    const candidates = peers.filter((peer) => peer.isNew(sequence));
    // Of several devices with one kid the others may have had this number: the key decides whose it is.
    const opened = this.#try(candidates, message, read.option);
    if (opened) return opened;
    // Decrypted too, and only to say what it is: a device with a wrong key begins with low numbers.
    const known = peers.filter((peer) => !candidates.includes(peer));
    return refuse(this.#try(known, message, read.option) ? "replayed" : "undecryptable");
  }

  #try(candidates: readonly OscorePeer[], message: CoapMessage, option: OscoreOption) {
    for (const peer of candidates) {
      const opened = unprotectRequest(peer.context, message, option);
      if (opened.ok) return { ...opened, peer };
      if (opened.fault !== "undecryptable") return opened;
    }
    return undefined;
  }
}

function isEcho(message: CoapMessage, expected: Uint8Array | undefined): boolean {
  const echo = optionOf(message, coapOption.echo);
  return echo !== undefined && expected !== undefined && Buffer.compare(echo, expected) === 0;
}
