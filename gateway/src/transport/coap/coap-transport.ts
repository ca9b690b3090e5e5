import { randomBytes, randomInt } from "node:crypto";
import { defaults } from "@motelet/profiles";
import { messageOf } from "../../foundation/errors.ts";
import type { Transport, TransportContext } from "../carrier.ts";
import { Blockwise } from "./blockwise.ts";
import { ChannelTable } from "./channel-table.ts";
import { type CoapLimits, defaultCoapLimits } from "./coap-limits.ts";
import { CoapMeters } from "./coap-meters.ts";
import { CoapRefusals } from "./coap-refusals.ts";
import { CoapSocket } from "./coap-socket.ts";
import { insecureProtection } from "./insecure-protection.ts";
import { content } from "./message/codec.ts";
import { Code } from "./message/codes.ts";
import { EchoValues } from "./message/echo.ts";
import { Endpoint } from "./message/endpoint.ts";
import { Option } from "./message/options.ts";
import { defaultParameters, type TransmissionParameters } from "./message/parameters.ts";
import { type Peer, peerName } from "./message/peer.ts";
import type { MessageProtection } from "./protection.ts";
import { ChannelResource } from "./resources/channel-resource.ts";
import { coreResource } from "./resources/core-resource.ts";
import { infoResource } from "./resources/info-resource.ts";
import { TimeResource } from "./resources/time-resource.ts";
import { Router } from "./router.ts";

export interface CoapTransportOptions extends Omit<TransportContext, "wantedLinks"> {
  readonly host: string;
  readonly port: number;
  /** Whether plain CoAP is accepted. */
  readonly insecure: boolean;
  /** How messages are protected, disposed of with the transport; absent: not at all. */
  readonly protection?: MessageProtection;
  /** Retransmission time-out of channels and of the message layer, milliseconds. */
  readonly rtoMs?: number;
  readonly limits?: Partial<CoapLimits>;
  readonly parameters?: Partial<TransmissionParameters>;
  /** 0 ≤ random < 1; must not be predictable. */
  readonly random?: () => number;
}

/**
 * Devices over CoAP (SPEC §10.3): a socket, the message layer, a router and the resources. A device proves its wire id by
 * the protection of its messages, or on plain CoAP by the credential of its hello.
 */
export class CoapTransport implements Transport {
  readonly #options: CoapTransportOptions;
  readonly #socket: CoapSocket;
  readonly #endpoint: Endpoint;
  readonly #table: ChannelTable;
  readonly #time: TimeResource;
  readonly #protection: MessageProtection;
  #endRevocations: (() => void) | undefined;

  constructor(options: CoapTransportOptions) {
    this.#options = options;
    const { clock, log } = options;
    const limits = { ...defaultCoapLimits, ...options.limits };
    const rtoMs = options.rtoMs ?? defaults.rtoMs;
    const parameters = { ...defaultParameters, ackTimeoutMs: rtoMs, ...options.parameters };
    const meters = new CoapMeters(options.metrics);
    const refusals = new CoapRefusals(options);
    const echoes = new EchoValues(randomBytes(32), limits.echoLifetimeMs);
    const issueEcho = (peer: Peer) => echoes.issue(peer.name, clock.monotonicMs());
    const demandEcho = (peer: Peer) =>
      content(Code.unauthorized, undefined, [{ number: Option.echo, value: issueEcho(peer) }]);
    const protection = options.protection ?? insecureProtection(options.insecure);
    this.#protection = protection;
    this.#table = new ChannelTable(
      (count) => meters.channels(count),
      (identity) => protection.left?.(identity),
    );
    const { timePeriodMs: periodMs, timeObservers: observers } = limits;
    this.#time = new TimeResource({ clock, periodMs, observers, demandEcho });
    const startedAt = new Date(clock.wallMs()).toISOString();
    const resources = [
      new ChannelResource({
        ...options,
        table: this.#table,
        refusals,
        limits,
        rtoMs,
        issueEcho,
        dropped: (reason) => meters.dropped(reason),
        moveObservation: (observation, peer) => this.#endpoint.move(observation, peer),
      }),
      this.#time,
      infoResource(() => ({ name: "motelet", startedAt, devices: this.#table.size })),
    ];
    const router = new Router({
      protection,
      resources: [...resources, coreResource(resources)],
      refusals,
      blockwise: new Blockwise({ limits, nowMs: () => clock.monotonicMs(), demandEcho }),
      isFreshEcho: (value, peer) => echoes.isFresh(value, peer.name, clock.monotonicMs()),
      observe: (peer, token, rest) => this.#endpoint.observe(peer, token, rest),
      dropped: (reason) => meters.dropped(reason),
    });
    this.#endpoint = new Endpoint({
      limits,
      parameters,
      clock,
      meters,
      random: options.random ?? (() => randomInt(2 ** 32) / 2 ** 32),
      send: (bytes, to) => this.#socket.send(bytes, to),
      handle: (message, peer) => router.handle(message, peer),
      failed: (error, peer) =>
        log.error({ peer: peerName(peer), err: messageOf(error) }, "coap request failed"),
    });
    const received = this.#endpoint.receive.bind(this.#endpoint);
    this.#socket = new CoapSocket({ ...options, limits, meters, received });
  }

  /**
   * Resolves when devices can connect.
   * @throws ConfigError COAP_BIND
   */
  async start(): Promise<{ port: number }> {
    const { authenticator, log, host, insecure } = this.#options;
    this.#endRevocations = authenticator.onRevoked((wireId) => this.#table.of(wireId)?.close("revoked"));
    this.#protection.start?.();
    const { port } = await this.#socket.start();
    log.info({ host, port }, "coap listener started");
    if (insecure) log.warn({ host, port }, "coap listener accepts unprotected messages");
    return { port };
  }

  unhealthyReason(): string | undefined {
    return this.#socket.isBound ? undefined : "the CoAP socket is not bound";
  }

  /** Closes every channel, tells its device, and closes the socket. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#endRevocations?.();
    for (const channel of this.#table.all()) channel.close("gateway stops");
    this.#time[Symbol.dispose]();
    this.#endpoint[Symbol.dispose]();
    this.#protection[Symbol.dispose]?.();
    await this.#socket[Symbol.asyncDispose]();
  }
}
