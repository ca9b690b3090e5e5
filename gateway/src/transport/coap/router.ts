import type { Blockwise } from "./blockwise.ts";
import type { CoapRefusals } from "./coap-refusals.ts";
import { type CoapMessage, encodedLength, type MessageContent } from "./message/codec.ts";
import { Code, codeClass } from "./message/codes.ts";
import type { Observation, ObservationEnd } from "./message/observation.ts";
import { Option, optionTexts, optionUint, optionValue, recognizeOptions } from "./message/options.ts";
import type { Peer } from "./message/peer.ts";
import type { MessageProtection, OpenedRequest } from "./protection.ts";
import { type CoapRequest, problem, type Resource } from "./resources/resource.ts";

export interface RouterOptions {
  readonly protection: MessageProtection;
  readonly resources: readonly Resource[];
  readonly refusals: CoapRefusals;
  readonly blockwise: Blockwise;
  /** Whether the Echo value was issued to the peer, and is fresh. */
  readonly isFreshEcho: (value: Uint8Array, peer: Peer) => boolean;
  readonly observe: (
    peer: Peer,
    token: Uint8Array,
    options: {
      seal: (content: MessageContent) => MessageContent | undefined;
      onEnded: (why: ObservationEnd) => void;
    },
  ) => Observation | undefined;
  /** A response could not be protected, or a request could not be judged. */
  readonly dropped: (reason: "unprotected" | "postponed") => void;
}

type Reply = MessageContent | undefined;

/** Takes the protection off a request, finds its resource, and protects the response (RFC 7252 §5.4, §5.8, §5.9). */
export class Router {
  readonly #options: RouterOptions;
  readonly #resources: ReadonlyMap<string, Resource>;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#resources = new Map(options.resources.map((resource) => [resource.path, resource]));
  }

  handle(message: CoapMessage, peer: Peer): Reply | "postponed" | Promise<Reply> {
    const opened = this.#options.protection.open(message, peer);
    switch (opened.kind) {
      case "opened": {
        const finish = (response: Reply) => this.#seal(opened, response && short(response, message, peer));
        const response = this.#respond(opened, message, peer);
        return response instanceof Promise ? response.then(finish) : finish(response);
      }
      case "challenged":
        return opened.response;
      case "refused":
        this.#options.refusals.add(opened.reason, peer, opened.names);
        return opened.response && short(opened.response, message, peer);
      case "postponed":
        this.#options.dropped("postponed");
        return "postponed";
    }
  }

  #respond(opened: OpenedRequest, message: CoapMessage, peer: Peer): Reply | Promise<Reply> {
    const { recognized: options, unrecognized } = recognizeOptions(opened.content.options);
    if (unrecognized !== undefined)
      return problem(Code.badOption, `option ${unrecognized} is not understood or has a wrong length`);
    if (optionValue(options, Option.proxyUri) || optionValue(options, Option.proxyScheme))
      return problem(Code.proxyingNotSupported, "the gateway is not a proxy");
    if (optionValue(options, Option.ifMatch) || optionValue(options, Option.ifNoneMatch))
      return problem(Code.badOption, "conditional requests are not supported");
    const echo = optionValue(options, Option.echo);
    if (echo && this.#options.isFreshEcho(echo, peer)) peer.budget.verify();
    const path = optionTexts(options, Option.uriPath).join("/");
    const resource = this.#resources.get(path);
    if (!resource) return problem(Code.notFound, `there is no resource /${path.slice(0, 64)}`);
    const isCancelling = optionUint(options, Option.observe) === 1;
    if (isCancelling) peer.observations.get(Buffer.from(message.token).toString("hex"))?.end("cancelled");
    const { code, payload } = opened.content;
    const handler = resource.methods[code];
    if (!handler) return problem(Code.methodNotAllowed, `/${path} does not support this method`);
    const request: CoapRequest = {
      peer,
      messageId: message.messageId,
      tokenBytes: message.token.length,
      code,
      options,
      payload,
      identity: opened.identity,
      observe: (onEnded) =>
        this.#options.observe(peer, message.token, {
          seal: (notification) => this.#seal(opened, notification, "notification"),
          onEnded,
        }),
    };
    if (resource.isBlockwise) return this.#options.blockwise.handle(request, path, handler);
    if (optionValue(options, Option.block1) || optionValue(options, Option.block2))
      return problem(Code.badOption, `/${path} does not support block-wise transfer`);
    return handler(request);
  }

  #seal(opened: OpenedRequest, plain: Reply, kind: "response" | "notification" = "response"): Reply {
    const sealed = plain && opened.seal(plain, kind);
    if (plain && !sealed) this.#options.dropped("unprotected");
    return sealed;
  }
}

/** Leaves out the text of an error for which the budget of the address has no room. */
function short(response: MessageContent, { token }: CoapMessage, peer: Peer): MessageContent {
  const isError = codeClass(response.code) >= 4;
  return isError && encodedLength(response, token.length) > peer.budget.availableBytes
    ? { ...response, payload: new Uint8Array(0) }
    : response;
}
