import type { HelloMessage } from "@motelet/profiles";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { Session } from "../session/session.ts";
import type { ChannelId } from "../session/session-events.ts";
import type { SessionTable } from "../session/session-table.ts";
import type { Store } from "../store/store.ts";
import type { Channel, ChannelAcceptor, ChannelEvents } from "../transport/channel.ts";
import { judgeLink } from "./admission.ts";
import type { ChannelOwners } from "./channel-owners.ts";
import type { DeviceSpec } from "./device.ts";
import type { HelloAdmission } from "./hello-admission.ts";
import { type ConsoleDropCounter, ConsoleText, consoleDropCounter } from "./log/console-text.ts";
import { MessageReader } from "./message-reader.ts";
import type { RawConsoles } from "./raw-consoles.ts";
import type { Registry } from "./registry.ts";
import type { SessionBuilder } from "./session-builder.ts";

export interface DeviceChannelsOptions {
  readonly registry: Registry;
  readonly store: Store;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly owners: ChannelOwners;
  readonly hellos: HelloAdmission;
  readonly consoles: RawConsoles;
  readonly sessions: SessionTable;
  readonly buildSession: SessionBuilder;
  /** A hello was admitted. Called before the session processes it. */
  readonly greeted: (owner: ChannelOwner, channel: Channel, hello: HelloMessage) => void;
}

/** The owner of an open channel, and the channel's number in the device's session. */
export interface ChannelOwner {
  readonly key: string;
  readonly uid: string;
  readonly session: Session;
  readonly channelId: ChannelId;
}

interface OpenChannel {
  readonly channel: Channel;
  owner?: ChannelOwner;
  console?: ConsoleText;
}

/**
 * The open channels of all transports. Attaches each channel to the session of its device as soon as there is one,
 * passes messages to that session, and console text to the device's log.
 */
export class DeviceChannels implements ChannelAcceptor, Disposable {
  readonly #options: DeviceChannelsOptions;
  readonly #reader: MessageReader;
  readonly #consoleDrops: ConsoleDropCounter;
  readonly #open = new Set<OpenChannel>();
  /** A gateway that goes away must not welcome devices that come back meanwhile. */
  #leaving = false;

  constructor(options: DeviceChannelsOptions) {
    this.#options = options;
    this.#reader = new MessageReader(options);
    this.#consoleDrops = consoleDropCounter(options.metrics);
  }

  opened(channel: Channel): ChannelEvents {
    const open: OpenChannel = { channel };
    this.#open.add(open);
    if (!this.#leaving) this.#assign(open);
    return {
      message: (bytes) => this.#message(open, bytes),
      console: (bytes) => this.#console(open, bytes),
      closed: () => {
        this.#open.delete(open);
        this.#release(open);
      },
    };
  }

  /** Accepts no more messages, and attaches no more channels to sessions. */
  leave(): void {
    this.#leaving = true;
  }

  /** Stores the console text that waits. */
  [Symbol.dispose](): void {
    this.leave();
    for (const open of this.#open) open.console?.[Symbol.dispose]();
  }

  /** Attaches the channels that were opened before the Device was known. */
  assignWaiting(key: string): void {
    for (const open of this.#open)
      if (!open.owner && this.#options.owners.ownerOf(open.channel)?.key === key) this.#assign(open);
  }

  /**
   * Closes channels of the session that the spec no longer allows, and demands a hello on channels that it allows now.
   */
  judgeAgain(key: string, before: DeviceSpec, spec: DeviceSpec): void {
    for (const { channel, owner } of this.#open) {
      if (owner?.key !== key) continue;
      const [was, is] = [before, spec].map((each) => judgeLink(each, channel));
      if (!was && is) owner.session.refuse(owner.channelId, "refused");
      if (was && !is) owner.session.invite();
    }
  }

  /** Detaches a device's channels from its session; they stay open. */
  release(key: string): void {
    for (const open of this.#open) if (open.owner?.key === key) this.#release(open);
  }

  #message(open: OpenChannel, bytes: Uint8Array): void {
    if (this.#leaving) return;
    const message = this.#reader.read(bytes, open.channel.peer);
    if (!message) return;
    if (message.kind === "hello") this.#hello(open, message);
    else open.owner?.session.receive(open.owner.channelId, message);
  }

  #hello(open: OpenChannel, hello: HelloMessage): void {
    const { registry, owners, hellos, greeted } = this.#options;
    if (!open.owner) this.#assign(open);
    const { channel, owner } = open;
    const facts = owner && registry.get(owner.key);
    if (!owner || !facts) hellos.turnAway(channel, owners.ownerOf(channel));
    else if (hellos.admits(facts, channel, hello)) {
      greeted(owner, channel, hello);
      owner.session.greet(owner.channelId, hello);
    } else owner.session.refuse(owner.channelId, "refused");
  }

  #console(open: OpenChannel, bytes: Uint8Array): void {
    if (!open.owner) {
      this.#consoleDrops.inc(bytes.length);
      return;
    }
    const { store, clock, consoles } = this.#options;
    open.console ??= new ConsoleText({ device: open.owner.uid, store, clock, dropped: this.#consoleDrops });
    open.console.push(bytes);
    consoles.heard(open.channel, bytes);
  }

  #assign(open: OpenChannel): void {
    const { owners, sessions, buildSession, consoles } = this.#options;
    const facts = owners.ownerOf(open.channel);
    if (!facts) return;
    const { key, spec } = facts;
    const session = sessions.open(key, () => buildSession(key, spec.uid));
    if (!session) return;
    const channelId = session.attach(open.channel);
    open.owner = { key, uid: spec.uid, session, channelId };
    consoles.opened(open.channel, key);
  }

  #release(open: OpenChannel): void {
    open.console?.[Symbol.dispose]();
    delete open.console;
    this.#options.consoles.closed(open.channel);
    open.owner?.session.detach(open.owner.channelId);
    delete open.owner;
  }
}
