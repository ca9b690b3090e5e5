import { CborError, decodeMessage, type HelloMessage, MessageError, parseUserName } from "@motelet/profiles";
import type { Clock } from "../../../foundation/clock.ts";
import { TokenBucket } from "../../../foundation/token-bucket.ts";
import type { ChannelAcceptor } from "../../channel.ts";
import type { Authenticator, Verdict, WireIdentity } from "../../directory.ts";
import type { ChannelTable } from "../channel-table.ts";
import { CoapChannel } from "../coap-channel.ts";
import type { CoapLimits } from "../coap-limits.ts";
import type { CoapRefusal } from "../coap-refusal-texts.ts";
import type { CoapRefusals } from "../coap-refusals.ts";
import { content, type MessageContent } from "../message/codec.ts";
import { Code } from "../message/codes.ts";
import type { Observation } from "../message/observation.ts";
import { type CoapOption, Option, optionTexts, optionUint, uintOption } from "../message/options.ts";
import type { Peer } from "../message/peer.ts";
import { ContentFormat } from "./formats.ts";
import { type CoapRequest, problem, type Resource } from "./resource.ts";

export interface ChannelResourceOptions {
  readonly table: ChannelTable;
  readonly acceptor: ChannelAcceptor;
  readonly authenticator: Authenticator;
  readonly refusals: CoapRefusals;
  readonly limits: CoapLimits;
  readonly clock: Clock;
  readonly rtoMs: number;
  /** Counts a message that was not handled because others that were sent after it were, or one that found no room. */
  readonly dropped: (reason: "stale" | "queue-full") => void;
  readonly issueEcho: (peer: Peer) => Uint8Array;
  /** Moves an observation to the address that its client has now. @returns false: there is no room for it */
  readonly moveObservation: (observation: Observation, peer: Peer) => boolean;
}

/**
 * `/m`, the profile's channel (SPEC §10.3). A hello is a FETCH with Observe 0: its response is the welcome, its
 * notifications are the downlink. Every other uplink message is a POST, whose response may carry a downlink message.
 */
export class ChannelResource implements Resource {
  readonly path = "m";
  readonly attributes = ';rt="motelet.channel";ct=60;obs';
  readonly isBlockwise = false;
  readonly methods = {
    [Code.fetch]: (request: CoapRequest) => this.#fetch(request),
    [Code.post]: (request: CoapRequest) => this.#post(request),
  };
  readonly #options: ChannelResourceOptions;

  constructor(options: ChannelResourceOptions) {
    this.#options = options;
  }

  #fetch(request: CoapRequest): MessageContent | Promise<MessageContent> {
    const observe = optionUint(request.options, Option.observe);
    // The observation is over by now, and with it the channel.
    if (observe === 1) return content(Code.content);
    const wrongFormat = refuseFormat(request);
    if (wrongFormat) return wrongFormat;
    const claim = request.identity ?? claimOf(request);
    const names = claim ? [`${claim.wireId}.${claim.generation}`] : [];
    const hello = observe === 0 ? helloOf(request.payload) : undefined;
    if (!hello) return this.#refuse("not-hello", request, names, Code.badRequest);
    if (!claim) return this.#refuse("credential", request, names, Code.unauthorized);
    const verdict = this.#judge(request, claim);
    if (!verdict.admitted) {
      const code = verdict.reason === "paused" ? Code.forbidden : Code.unauthorized;
      return this.#refuse(verdict.reason, request, names, code);
    }
    const before = this.#options.table.of(claim.wireId);
    // Message ids of another address are others.
    const messageId = before?.peer === request.peer.name && !request.identity ? request.messageId : undefined;
    const isOutdated = before?.isOutdated(hello, messageId) ?? false;
    return isOutdated ? content(Code.conflict) : this.#greet(request, claim, hello);
  }

  #post(request: CoapRequest): MessageContent {
    const wrongFormat = refuseFormat(request);
    if (wrongFormat) return wrongFormat;
    const channel = this.#options.table.find(request.peer, request.identity);
    if (!channel) return this.#refuse("no-channel", request, [], Code.unauthorized);
    if (request.payload.length === 0) return problem(Code.badRequest, "a POST carries one message");
    // A protected request is judged by its replay window.
    const verdict = request.identity ? "new" : channel.judge(request.messageId);
    if (verdict === "foreign") return this.#refuse("message-id", request, [], Code.unauthorized);
    if (verdict === "stale") return this.#stale();
    this.#follow(channel, request.peer);
    const reply = channel.uplink(request.payload);
    return content(Code.changed, reply, this.#echoFor(request.peer));
  }

  /** The device need not send it again: what it says is repeated by the session, or is known. */
  #stale(): MessageContent {
    this.#options.dropped("stale");
    return content(Code.changed);
  }

  async #greet(request: CoapRequest, identity: WireIdentity, hello: HelloMessage): Promise<MessageContent> {
    const { limits, table } = this.#options;
    const channel = this.#channelFor(request, identity);
    if (typeof channel === "string")
      return this.#refuse(
        channel,
        request,
        [`${identity.wireId}.${identity.generation}`],
        Code.serviceUnavailable,
      );
    const observation: Observation | undefined = request.observe(
      (why) => observation && channel.observationEnded(observation, why),
    );
    if (!observation) {
      channel.close("too many observations");
      return this.#refuse("channel-limit", request, [], Code.serviceUnavailable);
    }
    const isNew = table.of(identity.wireId) !== channel;
    if (isNew) {
      table.add(channel);
      channel.begin(this.#options.acceptor);
    }
    const { payload, messageId } = request;
    const welcome = await channel.hello(payload, hello, messageId, observation, limits.helloDeadlineMs);
    if (!welcome) {
      // An error response means that there is no observation (RFC 7641 §4.1), and so no channel.
      observation.end("ended");
      return this.#refuse("hello-deadline", request, [], Code.serviceUnavailable);
    }
    // A repeated hello has the observation now.
    if (observation.isOver) return content(Code.content, welcome);
    return observation.first(content(Code.content, welcome, this.#echoFor(request.peer)));
  }

  /** Asks for the proof that the device receives at its address; it may have moved there. */
  #echoFor(peer: Peer): readonly CoapOption[] {
    return peer.budget.isVerified ? [] : [{ number: Option.echo, value: this.#options.issueEcho(peer) }];
  }

  /** The device's channel; a new one if it has none, or one at an address that this request cannot speak for. */
  #channelFor(
    request: CoapRequest,
    identity: WireIdentity,
  ): CoapChannel | "channel-limit" | "take-over-limit" {
    const { table, limits, clock, rtoMs, dropped } = this.#options;
    const nowMs = clock.monotonicMs();
    const { peer } = request;
    const before = table.of(identity.wireId);
    const isProtected = request.identity !== undefined;
    const isSame = before?.identity.generation === identity.generation && before.isProtected === isProtected;
    if (before && isSame && (request.identity || before.peer === peer.name)) {
      if (before.address !== peer) table.move(before, peer);
      return before;
    }
    // Two devices with one identity would end each other's channels as fast as they can.
    const isSilent = before && nowMs - before.address.heardMs >= limits.takeOverSilentMs;
    if (before && before.takeOvers.take(nowMs) > 0 && !isSilent) return "take-over-limit";
    before?.close("taken over");
    // Two devices behind one address and port: the newer one has it.
    if (!request.identity) table.find(peer, undefined)?.close("address taken over");
    if (table.size >= limits.channels) return "channel-limit";
    const { takeOverBurst: burst, takeOverRefillMs: refillMs } = limits;
    const channel: CoapChannel = new CoapChannel({
      identity,
      isProtected,
      peer,
      rtoMs,
      clock,
      takeOvers: before?.takeOvers ?? new TokenBucket({ burst, refillMs }, nowMs),
      onDropped: () => dropped("queue-full"),
      onClosed: () => table.delete(channel),
    });
    return channel;
  }

  /** Fresh traffic of a proved identity moves the channel to where it came from. */
  #follow(channel: CoapChannel, peer: Peer): void {
    if (channel.address === peer) return;
    const { observation } = channel;
    if (observation && !this.#options.moveObservation(observation, peer)) return;
    this.#options.table.move(channel, peer);
  }

  #judge(request: CoapRequest, claim: WireIdentity & { readonly password?: Uint8Array }): Verdict {
    const { authenticator } = this.#options;
    if (request.identity) return authenticator.admit(request.identity);
    const password = claim.password ?? new Uint8Array(0);
    return authenticator.authenticate({ ...claim, password, peer: request.peer.name });
  }

  #refuse(
    reason: CoapRefusal,
    { peer }: CoapRequest,
    names: readonly string[],
    code: number,
  ): MessageContent {
    this.#options.refusals.add(reason, peer, names);
    // Whether a name is known must not show; what else is wrong may.
    return code === Code.serviceUnavailable
      ? problem(code, "no room now", [uintOption(Option.maxAge, 5)])
      : content(code);
  }
}

/** Names and password in clear text, as MQTT has them: `u=<wireId>.<generation>` and `p=<password>` (SPEC §10.3). */
function claimOf(request: CoapRequest): (WireIdentity & { readonly password: Uint8Array }) | undefined {
  const queries = optionTexts(request.options, Option.uriQuery);
  const user = queries.find((query) => query.startsWith("u="));
  const password = queries.find((query) => query.startsWith("p="));
  const identity = user === undefined ? undefined : parseUserName(user.slice(2));
  return identity && password !== undefined
    ? { ...identity, password: Buffer.from(password.slice(2)) }
    : undefined;
}

function helloOf(payload: Uint8Array): HelloMessage | undefined {
  try {
    const { message } = decodeMessage(payload);
    return message?.kind === "hello" ? message : undefined;
  } catch (error) {
    if (error instanceof CborError || error instanceof MessageError) return undefined;
    throw error;
  }
}

function refuseFormat(request: CoapRequest): MessageContent | undefined {
  const format = optionUint(request.options, Option.contentFormat) ?? ContentFormat.cbor;
  return format === ContentFormat.cbor
    ? undefined
    : problem(Code.unsupportedContentFormat, `a message has content format 60, not ${format}`);
}
