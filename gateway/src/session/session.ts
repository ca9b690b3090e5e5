import {
  type CborValue,
  commands,
  defaults,
  encodeMessage,
  type HelloMessage,
  limits,
  type Message,
  Status,
  serialAdd,
} from "@motelet/profiles";
import type { Clock } from "../foundation/clock.ts";
import { Deadline } from "../foundation/deadline.ts";
import type { Channel } from "../transport/channel.ts";
import { type ExchangeOutcome, ExchangeTable } from "./exchange-table.ts";
import { type ChannelId, lossSentence, type SessionEvents } from "./session-events.ts";
import {
  type Greeting,
  initialSession,
  nextTickMs,
  type SessionEffect,
  type SessionInput,
  type SessionState,
  step,
} from "./session-machine.ts";
import type { SessionMeters } from "./session-meters.ts";
import { idBlock, type SessionRecord, type SessionRecords } from "./session-record.ts";
import type { Stream } from "./stream.ts";
import { StreamTable } from "./stream-table.ts";
import type { StreamUse } from "./stream-use.ts";
import { buildWelcome } from "./welcome.ts";

export interface SessionOptions {
  /** The name of the device in the store. */
  readonly device: string;
  readonly records: SessionRecords;
  readonly clock: Clock;
  /** 32 random bits. */
  readonly random32: () => number;
  readonly heartbeatS: number;
  readonly events: SessionEvents;
  readonly meters: SessionMeters;
}

/**
 * The session with one device: executes the decisions of the machine, and owns the device's exchanges and streams.
 * Exists as long as the device is served, also while the device is offline.
 */
export class Session implements Disposable {
  readonly #options: SessionOptions;
  readonly #channels = new Map<ChannelId, Channel>();
  readonly #deadline: Deadline;
  readonly #exchanges: ExchangeTable;
  readonly #streams: StreamTable;
  #record: SessionRecord | undefined;
  /** What was under way when the gateway last died, until the device is back. */
  #interrupted: SessionRecord["once"];
  #state: SessionState;
  /** The newest hello that was admitted, and the one of the open session. */
  #greetingHello: HelloMessage | undefined;
  #hello: HelloMessage | undefined;
  #lastChannelId = 0;
  #disposed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.clock, () => this.#poll());
    this.#record = options.records.get(options.device);
    this.#interrupted = this.#record?.once;
    this.#state = initialSession(this.#record && { boot: this.#record.boot, sid: this.#record.sid });
    const host = {
      meters: options.meters,
      nowMs: () => options.clock.monotonicMs(),
      wake: () => this.#poll(),
    };
    this.#exchanges = new ExchangeTable({
      ...host,
      send: (bytes) => this.#channel?.send(bytes) ?? false,
      store: (record) => options.records.put(options.device, record),
      rtoMs: () => this.#channel?.rtoMs ?? defaults.rtoMs,
      maxMessageBytes: () => this.maxMessageBytes,
    });
    this.#streams = new StreamTable({ ...host, send: (message) => this.#send(message) });
  }

  /** Whether requests can be answered: the session is open and both directions have worked. */
  get isUp(): boolean {
    return this.#state.phase === "open" && this.#state.confirmed;
  }

  /** The hello of the open session. */
  get hello(): HelloMessage | undefined {
    return this.#state.phase === "open" ? this.#hello : undefined;
  }

  /** The smallest of the message limits of both sides and of the carrier. */
  get maxMessageBytes(): number {
    const device = this.#hello?.maxMessageBytes ?? limits.minMessageBytes;
    return Math.min(limits.messageBytes, device, this.#channel?.maxMessageBytes ?? limits.messageBytes);
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  /** Streams that the device can have open at the same time, as it reported. */
  get maxStreams(): number {
    return this.#hello?.streams ?? defaults.streams;
  }

  /** The uses of the open streams, oldest first. */
  get streamUses(): readonly StreamUse[] {
    return this.#streams.uses;
  }

  /** Attaches a channel that was proved to belong to the device. */
  attach(channel: Channel): ChannelId {
    const channelId = ++this.#lastChannelId;
    this.#channels.set(channelId, channel);
    const { rtoMs, acksBeats, demandsHello } = channel;
    this.#step({ type: "opened", channelId, rtoMs, acksBeats, demandHello: demandsHello });
    return channelId;
  }

  detach(channelId: ChannelId): void {
    this.#channels.delete(channelId);
    this.#step({ type: "closed", channelId });
  }

  /** Processes a hello that was admitted. */
  greet(channelId: ChannelId, hello: HelloMessage): void {
    const { boot, attempt, sid } = hello;
    const before = this.#state.greeting;
    this.#step({ type: "hello", channelId, boot, attempt, sid, newSid: this.#newSid() }, () => {
      if (this.#state.greeting && this.#state.greeting !== before) this.#greetingHello = hello;
    });
  }

  refuse(channelId: ChannelId, reason: "refused" | "busy", seconds?: number): void {
    this.#step({ type: "refused", channelId, reason, ...(seconds === undefined ? {} : { seconds }) });
  }

  /** Processes any valid message except hello. */
  receive(channelId: ChannelId, message: Exclude<Message, HelloMessage>): void {
    if (message.kind === "bye") {
      const { reason, seconds } = message;
      this.#step({ type: "bye", channelId, reason, ...(seconds === undefined ? {} : { seconds }) });
    } else {
      this.#step({ type: "message", channelId, beat: message.kind === "beat" }, undefined, message);
    }
  }

  /** A refused device may try again. */
  invite(): void {
    this.#step({ type: "invite" });
  }

  /** Says good-bye on every channel. */
  end(reason: "closing" | "refused", seconds?: number): void {
    this.#step({ type: "end", reason, ...(seconds === undefined ? {} : { seconds }) });
  }

  /** Runs a request. Never throws: a status reports the reason if there is no answer. */
  async call(op: number, args: readonly CborValue[]): Promise<ExchangeOutcome> {
    if (!this.isUp) return { status: Status.UNAVAILABLE, result: [], message: "the device is not connected" };
    return this.#exchanges.call(op, args);
  }

  /** @returns undefined if all 23 are in use */
  openStream(use: StreamUse): Stream | undefined {
    const terms = {
      rtoMs: this.#channel?.rtoMs ?? defaults.rtoMs,
      maxMessageBytes: this.maxMessageBytes,
      windowBytes: this.#hello?.rxWindowBytes ?? limits.minRxWindowBytes,
    };
    return this.#streams.open(terms, use);
  }

  /** Acknowledges reports (SPEC §5.6). */
  ack(storedSeq: number): void {
    if (this.#state.phase === "open") this.#send({ kind: "ack", storedSeq });
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#deadline.cancel();
    this.#exchanges.failAll("the gateway is shutting down");
    this.#streams.failAll({ status: Status.UNAVAILABLE, message: "the gateway is shutting down" });
  }

  get #channel(): Channel | undefined {
    return this.#state.channelId === undefined ? undefined : this.#channels.get(this.#state.channelId);
  }

  #send(message: Message): void {
    this.#channel?.send(encodeMessage(message));
  }

  #newSid(): number {
    const sid = this.#options.random32() >>> 0 || 1;
    return sid === this.#state.known?.sid ? sid ^ 1 || 2 : sid;
  }

  #step(input: SessionInput, before?: () => void, message?: Message): void {
    if (this.#disposed) return;
    const { state, effects } = step(this.#state, input, this.#options.clock.monotonicMs(), this.#heartbeatMs);
    this.#state = state;
    before?.();
    for (const effect of effects) this.#carryOut(effect, message);
    this.#schedule();
  }

  #carryOut(effect: SessionEffect, message: Message | undefined): void {
    const { events } = this.#options;
    switch (effect.type) {
      case "bye": {
        const { channelId, reason, seconds } = effect;
        const bye: Message = { kind: "bye", reason, ...(seconds === undefined ? {} : { seconds }) };
        this.#channels.get(channelId)?.send(encodeMessage(bye));
        return;
      }
      case "store":
        void this.#store(effect.greeting);
        return;
      case "began":
        this.#began(effect);
        return;
      case "welcome":
        this.#welcome(effect);
        return;
      case "repeat":
        this.#exchanges.restart();
        this.#streams.restart();
        this.#poll();
        return;
      case "confirmed":
        this.#confirmed();
        return;
      case "deliver":
        if (message) this.#deliver(message);
        return;
      case "ack":
        if (this.#hello) this.#send({ kind: "ack", storedSeq: events.storedSeq(this.#hello) });
        return;
      case "ping": {
        const id = this.#exchanges.takeId();
        this.#options.meters.pings.inc();
        if (id !== undefined) this.#send({ kind: "request", id, op: commands.ping.op, args: [] });
        return;
      }
      case "lost":
        this.#drop(lossSentence[effect.why]);
        events.lost(effect.why);
        return;
      case "asleep":
        this.#drop("the device has gone to sleep");
        events.asleep(effect.seconds);
        return;
      default:
        effect satisfies never;
    }
  }

  #confirmed(): void {
    const { known, channelId } = this.#state;
    const channel = this.#channel;
    if (!this.#hello || !channel || !known || channelId === undefined) return;
    this.#options.events.confirmed(this.#hello, channel, { channelId, sid: known.sid });
  }

  /** A session that continues in this process already has its ids; any other gets a stored block before its welcome. */
  async #store(greeting: Greeting): Promise<void> {
    const { boot, sid, resumed } = greeting;
    const inMemory = resumed && this.#hello !== undefined;
    const idLimit = serialAdd(resumed ? (this.#record?.idLimit ?? 0) : 0, idBlock);
    const record: SessionRecord = { sid, boot, idLimit };
    try {
      if (!inMemory) await this.#options.records.put(this.#options.device, record);
    } catch {
      this.#step({ type: "storeFailed", greeting });
      return;
    }
    this.#step({ type: "stored", greeting }, () => {
      if (this.#state.greeting === greeting || inMemory) return;
      this.#record = record;
    });
  }

  #began(effect: SessionEffect & { type: "began" }): void {
    const { resumed, streamsKept, rebooted } = effect;
    const continued = resumed && this.#hello !== undefined;
    this.#hello = this.#greetingHello;
    if (!resumed) this.#exchanges.abortAll(rebooted);
    if (!streamsKept) {
      const message = rebooted ? "the device has rebooted" : "the device has lost its session";
      this.#streams.failAll({ status: resumed ? Status.UNAVAILABLE : Status.ABORTED, message });
    }
    if (!continued && this.#record) this.#exchanges.begin(this.#record);
    const { op } = this.#interrupted ?? {};
    this.#interrupted = undefined;
    if (op !== undefined && !(rebooted && op === commands.reboot.op)) this.#options.events.effectUnknown(op);
    const channel = this.#channels.get(effect.channelId);
    if (this.#hello && channel) this.#options.events.began(this.#hello, channel, { resumed, rebooted });
  }

  #welcome(effect: SessionEffect & { type: "welcome" }): void {
    const channel = this.#channels.get(effect.channelId);
    if (!channel || !this.#hello) return;
    const welcome = buildWelcome(effect, {
      wallMs: this.#options.clock.wallMs(),
      heartbeatS: this.#options.heartbeatS,
      rtoMs: channel.rtoMs,
      storedSeq: this.#options.events.storedSeq(this.#hello),
    });
    channel.send(encodeMessage(welcome));
  }

  #deliver(message: Message): void {
    const { events } = this.#options;
    switch (message.kind) {
      case "response":
        this.#exchanges.received(message);
        return;
      case "data":
        if (this.#streams.data(message)) this.#channel?.refundRateToken?.();
        return;
      case "credit":
        if (this.#streams.credit(message)) this.#channel?.refundRateToken?.();
        this.#poll();
        return;
      case "beat":
        events.beat(message);
        return;
      case "report":
        events.report(message);
        return;
      default:
        // The rest is the gateway's to say, or has no meaning in version 0: it proved life, no more.
        return;
    }
  }

  #drop(message: string): void {
    this.#exchanges.failAll(message);
    this.#streams.failAll({ status: Status.UNAVAILABLE, message });
  }

  get #heartbeatMs(): number {
    return this.#options.heartbeatS * 1000;
  }

  #poll(): void {
    if (this.#disposed) return;
    const nowMs = this.#options.clock.monotonicMs();
    this.#exchanges.poll(nowMs);
    if (this.#channel) this.#streams.poll(nowMs);
    this.#step({ type: "tick" });
  }

  #schedule(): void {
    const dues = [nextTickMs(this.#state, this.#heartbeatMs), this.#exchanges.dueMs];
    if (this.#channel) dues.push(this.#streams.dueMs);
    const known = dues.filter((due) => due !== undefined);
    this.#deadline.set(known.length === 0 ? undefined : Math.min(...known));
  }
}
