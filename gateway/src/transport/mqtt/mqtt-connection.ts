import { downlinkTopic } from "@motelet/profiles";
import type { ChannelAcceptor, ChannelEvents } from "../channel.ts";
import type { Authenticator, WireIdentity } from "../directory.ts";
import { type ConnectRequest, decideConnect, refusePublish, refuseSubscribe } from "./access.ts";
import type { BrokerClient, BrokerFault, ConnackCode, IncomingPublish } from "./broker.ts";
import type { AcceptedSocket } from "./listener.ts";
import { MqttChannel } from "./mqtt-channel.ts";
import type { MqttMeters } from "./mqtt-meters.ts";
import type { PacketGuard } from "./packet-guard.ts";
import type { MqttRefusal } from "./refusal-texts.ts";
import type { Refusals } from "./refusals.ts";

/** Objects that all connections of one transport share. */
export interface ConnectionSurroundings {
  readonly authenticator: Authenticator;
  readonly acceptor: ChannelAcceptor;
  readonly refusals: Refusals;
  readonly meters: MqttMeters;
  readonly downlinkBufferBytes: number;
  /** Retransmission time-out of the channels, milliseconds. */
  readonly rtoMs: number;
  /** Whether a connection that has proved this wire id may end the existing one. */
  mayTakeOver(wireId: string): boolean;
  /** The connection has proved its wire id; the previous connection of that wire id must end. */
  admitted(connection: MqttConnection, wireId: string): void;
}

/**
 * One MQTT connection from its socket to its end.
 *
 *   greeting ── CONNECT admitted ──▶ admitted ── subscribed to its downlink ──▶ open
 *       └──────────────┬────────────────┴─────────────────────────────────────────┘
 *                      ▼  refused │ taken over │ revoked │ closed by either side
 *                    ended
 */
export class MqttConnection implements BrokerClient {
  readonly #socket: AcceptedSocket;
  readonly #guard: PacketGuard;
  readonly #shared: ConnectionSurroundings;
  #identity: WireIdentity | undefined;
  #events: ChannelEvents | undefined;
  #ended = false;
  #connectRefused = false;
  #subscribeRefused = false;

  constructor(guard: PacketGuard, socket: AcceptedSocket, shared: ConnectionSurroundings) {
    this.#socket = socket;
    this.#guard = guard;
    this.#shared = shared;
    guard.once("close", () => this.end("connection closed"));
  }

  get peer(): string {
    return this.#socket.peer;
  }

  /** When the peer last sent something, monotonic milliseconds. */
  get heardMs(): number {
    return this.#guard.heardMs;
  }

  /** Whether it has ended, although queued messages may still be sent. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The identity that the TLS handshake has proved; undefined if the password proves it. */
  get proven(): WireIdentity | undefined {
    return this.#socket.proven;
  }

  /** The wire id that was proved; undefined before CONNECT. */
  get wireId(): string | undefined {
    return this.#identity?.wireId;
  }

  /** Ends the connection; queued messages for the device are still sent if the peer reads. */
  end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#guard.finish();
    const events = this.#events;
    this.#events = undefined;
    // Not in the caller's turn: the caller may be the session that gets the event.
    if (events) queueMicrotask(() => events.closed(reason));
  }

  connect(request: ConnectRequest, password: Uint8Array): ConnackCode | undefined {
    const code = this.#decideConnect(request, password);
    // The broker sends the code and then reports its own refusal as an error.
    this.#connectRefused = code !== undefined;
    return code;
  }

  mayPublish(packet: IncomingPublish): boolean {
    if (this.#ended || !this.#identity) return false;
    const reason = refusePublish(this.#identity.wireId, packet);
    if (!reason) return true;
    this.#refuse(reason, { wireId: this.#identity.wireId, topic: packet.topic }, [this.#identity.wireId]);
    this.end(`refused: ${reason}`);
    return false;
  }

  published(payload: Uint8Array): void {
    if (this.#ended) return;
    if (!this.#events) {
      // Said before it listens: a hello comes again, anything else has no session yet.
      this.#shared.meters.dropped("early-uplink");
      return;
    }
    this.#shared.meters.received();
    // A copy: the payload is a view of a whole read of the socket, which it would keep alive.
    this.#events.message(new Uint8Array(payload));
  }

  maySubscribe(filter: string): boolean {
    if (this.#ended || !this.#identity) return false;
    const reason = refuseSubscribe(this.#identity.wireId, filter);
    if (!reason) return true;
    // One packet may ask for hundreds; it is refused once.
    const { wireId } = this.#identity;
    if (!this.#subscribeRefused) this.#refuse(reason, { wireId, topic: filter }, [wireId]);
    this.#subscribeRefused = true;
    return false;
  }

  subscribed(filters: readonly string[]): void {
    this.#subscribeRefused = false;
    const identity = this.#identity;
    if (this.#ended || this.#events || !identity || !filters.includes(downlinkTopic(identity.wireId))) return;
    const channel = new MqttChannel({
      guard: this.#guard,
      peer: this.peer,
      ...identity,
      rtoMs: this.#shared.rtoMs,
      bufferBytes: this.#shared.downlinkBufferBytes,
      dropped: () => this.#shared.meters.dropped("downlink-full"),
      closing: (reason) => this.end(reason),
    });
    this.#events = this.#shared.acceptor.opened(channel);
  }

  unsubscribed(filters: readonly string[]): void {
    if (this.#identity && filters.includes(downlinkTopic(this.#identity.wireId))) this.end("unsubscribed");
  }

  failed(fault: BrokerFault, error: Error): void {
    if (fault !== "lost" && !this.#ended && !this.#connectRefused) {
      this.#refuse(fault, { wireId: this.wireId, err: error.message }, [this.wireId]);
    }
    this.end(`connection ${fault}: ${error.message}`);
  }

  #decideConnect(request: ConnectRequest, password: Uint8Array): ConnackCode | undefined {
    if (this.#ended) return 3;
    const decision = decideConnect(request, this.proven);
    if (!decision.allowed) {
      const { clientId, userName } = request;
      // A board may have half of its configuration wrong: whichever of the two names a device is taken.
      const names = this.proven ? [this.proven.wireId] : [userName, clientId];
      this.#refuse(decision.reason, { wireId: clientId, userName }, names);
      return decision.reason === "client-id" ? 2 : decision.reason === "user-name" ? 4 : 5;
    }
    const { wireId, generation } = decision;
    const { authenticator } = this.#shared;
    const verdict = this.proven
      ? authenticator.admit({ wireId, generation })
      : authenticator.authenticate({ wireId, generation, password, peer: this.peer });
    if (!verdict.admitted) {
      this.#refuse(verdict.reason, { wireId }, [wireId]);
      return verdict.reason === "paused" ? 3 : 4;
    }
    if (!this.#shared.mayTakeOver(wireId)) {
      this.#refuse("take-over-limit", { wireId }, [wireId]);
      return 3;
    }
    this.#guard.admit();
    this.#socket.settle();
    this.#identity = { wireId, generation };
    this.#shared.admitted(this, wireId);
    return undefined;
  }

  #refuse(
    reason: MqttRefusal,
    fields: Readonly<Record<string, string | undefined>>,
    names: readonly (string | undefined)[],
  ): void {
    this.#shared.refusals.add(reason, { ...fields, peer: this.peer }, names);
  }
}
