import { randomBytes } from "node:crypto";
import { ByeReason, encodeMessage, type HelloMessage } from "@motelet/profiles";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { Session } from "../session/session.ts";
import { type SessionMeters, sessionMeters } from "../session/session-meters.ts";
import { SessionRecords } from "../session/session-record.ts";
import { SessionTable } from "../session/session-table.ts";
import type { Store } from "../store/store.ts";
import type { Channel, ChannelAcceptor, ChannelEvents } from "../transport/channel.ts";
import type { Authenticator, WantedLinks } from "../transport/directory.ts";
import { Admission, judgeLink } from "./admission.ts";
import { CheckUps } from "./check-ups.ts";
import type { DeviceFacts, DeviceSpec } from "./device.ts";
import { DuplicateWatch } from "./duplicate-watch.ts";
import { Identities } from "./identities.ts";
import { Liveness } from "./liveness.ts";
import { type ConsoleDropCounter, ConsoleText, consoleDropCounter } from "./log/console-text.ts";
import { DeviceLog, type DeviceLogReader } from "./log/device-log.ts";
import { Reports } from "./log/reports.ts";
import { MessageReader } from "./message-reader.ts";
import { PeripheralWatch } from "./peripheral-watch.ts";
import { RawConsoles } from "./raw-consoles.ts";
import { RefusalNotes } from "./refusal-notes.ts";
import { type HelloRefusal, refusalTextOf } from "./refusals.ts";
import type { Registry } from "./registry.ts";
import { SessionFacts } from "./session-facts.ts";
import { type AttachVerb, SessionAttach } from "./verbs/attach.ts";
import { askClockSkew } from "./verbs/clock-skew.ts";
import { DeviceCalls } from "./verbs/device-calls.ts";
import { type DialVerb, SessionDial } from "./verbs/dial.ts";
import { type ExecVerb, SessionExec } from "./verbs/exec.ts";
import { type FilesVerb, SessionFiles } from "./verbs/files.ts";
import { type InvokeVerb, SessionInvoke } from "./verbs/invoke.ts";
import { askPeripherals } from "./verbs/peripheral-list.ts";
import { rebootDevice } from "./verbs/reboot.ts";
import { SessionStats, type StatsVerb } from "./verbs/stats.ts";
import { RegistryLinks } from "./wanted-links.ts";

export interface DevicePlaneOptions {
  readonly registry: Registry;
  readonly store: Store;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly heartbeatS: number;
  readonly maxSessions?: number;
  /** Milliseconds without news after which a device with two boards is taken to have one again. */
  readonly duplicateHoldMs?: number;
}

/** An open channel and whose it is. */
interface Gate {
  readonly channel: Channel;
  owner?: { readonly key: string; readonly uid: string; readonly session: Session; readonly link: number };
  console?: ConsoleText;
}

/**
 * Where channels come in: finds out whose each is, lets its device in or refuses it, and brings what the session says
 * into the registry, the log and liveness. Everything that floors above and below need of devices hangs here.
 */
export class DevicePlane implements ChannelAcceptor, AsyncDisposable {
  /** Where transports hand over their channels. */
  readonly acceptor: ChannelAcceptor = this;
  readonly authenticator: Authenticator;
  readonly wantedLinks: WantedLinks;
  readonly exec: ExecVerb;
  readonly files: FilesVerb;
  readonly dial: DialVerb;
  readonly attach: AttachVerb;
  readonly invoke: InvokeVerb;
  readonly stats: StatsVerb;
  readonly logs: DeviceLogReader;
  readonly #options: DevicePlaneOptions;
  readonly #identities: Identities;
  readonly #links: RegistryLinks;
  readonly #admission: Admission;
  readonly #liveness: Liveness;
  readonly #checkUps: CheckUps;
  readonly #peripherals: PeripheralWatch;
  readonly #duplicates: DuplicateWatch;
  readonly #reports: Reports;
  readonly #sessions: SessionTable;
  readonly #records: SessionRecords;
  readonly #facts: SessionFacts;
  readonly #meters: SessionMeters;
  readonly #gates = new Set<Gate>();
  /** Specs of the devices that are served, so that what is removed, replaced or changed is noticed. */
  readonly #specs = new Map<string, DeviceSpec>();
  readonly #refusedHellos;
  readonly #refusalNotes: RefusalNotes;
  readonly #reader: MessageReader;
  readonly #consoleDrops: ConsoleDropCounter;
  readonly #consoles: RawConsoles;
  #unsubscribe: (() => void) | undefined;
  /** A gateway that goes away must not welcome who comes back meanwhile. */
  #leaving = false;

  constructor(options: DevicePlaneOptions) {
    const { registry, store, metrics, clock, heartbeatS } = options;
    this.#options = options;
    this.#refusalNotes = new RefusalNotes(options);
    this.#identities = new Identities(registry, metrics, this.#refusalNotes);
    this.#links = new RegistryLinks(registry);
    this.#admission = new Admission(store.keyValues);
    this.#liveness = new Liveness({ registry, clock, heartbeatS });
    this.#reports = new Reports(options);
    this.#duplicates = new DuplicateWatch(options);
    this.#records = new SessionRecords(store.keyValues);
    this.#sessions = new SessionTable({ maxSessions: options.maxSessions ?? 10_000, metrics });
    this.#facts = new SessionFacts({
      ...options,
      liveness: this.#liveness,
      reports: this.#reports,
      duplicates: this.#duplicates,
      sessions: this.#sessions,
    });
    this.#meters = sessionMeters(metrics);
    this.#reader = new MessageReader(options);
    this.authenticator = this.#identities;
    this.wantedLinks = this.#links;
    this.#consoles = new RawConsoles(() => clock.monotonicMs(), metrics);
    const calls = new DeviceCalls({ registry, sessions: this.#sessions, clock, metrics });
    this.exec = new SessionExec(calls, clock);
    this.files = new SessionFiles(calls, clock);
    this.dial = new SessionDial(calls);
    this.attach = new SessionAttach(calls, this.#consoles, clock);
    this.invoke = new SessionInvoke(calls, clock);
    const stats = new SessionStats(calls, clock);
    this.#checkUps = new CheckUps({
      registry,
      clock,
      stats,
      clockSkew: (key, signal) => askClockSkew(calls, clock, key, signal),
      fetchInfo: (key) => this.#facts.fetchInfo(key),
    });
    this.#peripherals = new PeripheralWatch({
      registry,
      clock,
      ask: (key, signal) => askPeripherals(calls, key, signal),
    });
    this.stats = {
      stats: async (key, asked) => {
        const told = await stats.stats(key, asked);
        this.#checkUps.told(key, told);
        return told;
      },
    };
    this.logs = new DeviceLog(registry, store.logs);
    this.#consoleDrops = consoleDropCounter(metrics);
    this.#refusedHellos = metrics.counter("motelet_hellos_refused_total", "Devices that were not let in.", [
      "reason",
    ]);
  }

  /** Reboots a device. @throws UnavailableError */
  reboot(key: string): Promise<void> {
    return rebootDevice(this.#sessions, key);
  }

  /** Begins to follow the registry and to judge who lives. */
  start(): void {
    this.#identities.start();
    this.#links.start();
    this.#liveness.start();
    this.#checkUps.start();
    this.#peripherals.start();
    this.#duplicates.start();
    this.#unsubscribe = this.#options.registry.changes.subscribe((key) => this.#follow(key));
    for (const { key } of this.#options.registry.list()) this.#follow(key);
  }

  /**
   * Forgets devices that were deleted while the gateway was away. To be called when every Device that is served has been
   * admitted.
   */
  async forgetRemoved(): Promise<void> {
    const { registry, store } = this.#options;
    const served = new Set(registry.list().map(({ spec }) => spec.uid));
    await Promise.all(store.devices().map((uid) => (served.has(uid) ? undefined : store.forget(uid))));
  }

  /**
   * Tells all devices that the gateway goes away, so that they greet again soon. To be called while their channels are
   * still open. Nobody becomes Offline by it.
   */
  sayGoodbye(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#liveness[Symbol.dispose]();
    this.#checkUps[Symbol.dispose]();
    this.#peripherals[Symbol.dispose]();
    this.#duplicates[Symbol.dispose]();
    for (const session of this.#sessions.all()) session.end("closing");
  }

  /** Says good-bye where that has not been done, and stores what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.sayGoodbye();
    this.#unsubscribe?.();
    for (const gate of this.#gates) gate.console?.[Symbol.dispose]();
    for (const session of this.#sessions.all()) session[Symbol.dispose]();
    this.#links[Symbol.dispose]();
    this.#identities[Symbol.dispose]();
    this.#refusalNotes[Symbol.dispose]();
    this.#options.store.database.flush();
  }

  opened(channel: Channel): ChannelEvents {
    const gate: Gate = { channel };
    this.#gates.add(gate);
    if (!this.#leaving) this.#assign(gate);
    return {
      message: (bytes) => this.#message(gate, bytes),
      console: (bytes) => this.#console(gate, bytes),
      closed: () => {
        this.#gates.delete(gate);
        this.#release(gate);
      },
    };
  }

  #message(gate: Gate, bytes: Uint8Array): void {
    if (this.#leaving) return;
    const message = this.#reader.read(bytes, gate.channel.peer);
    if (!message) return;
    if (message.kind === "hello") this.#hello(gate, message);
    else gate.owner?.session.receive(gate.owner.link, message);
  }

  #hello(gate: Gate, hello: HelloMessage): void {
    if (!gate.owner) this.#assign(gate);
    const { channel, owner } = gate;
    const facts = owner && this.#options.registry.get(owner.key);
    if (!owner || !facts) {
      const known = this.#ownerOf(channel);
      this.#refused(channel, known ? "session-table-full" : "no-device", known?.key);
      const reason = known ? ByeReason.busy : ByeReason.refused;
      channel.send(encodeMessage({ kind: "bye", reason }));
      return;
    }
    const refusal = this.#admission.judge(facts, channel, hello);
    if (refusal === undefined) {
      // First: what is learnt of the hello depends on whether another board has said it.
      this.#duplicates.greeted(owner.key, owner.link, channel.peer, hello);
      owner.session.greet(owner.link, hello);
      return;
    }
    this.#refused(channel, refusal, owner.key);
    owner.session.refuse(owner.link, "refused");
  }

  #refused(channel: Channel, reason: HelloRefusal | "no-device", device?: string): void {
    this.#refusedHellos.inc({ reason });
    const { carrier, peer } = channel;
    this.#options.log.warn({ device, link: carrier, peer, code: reason }, "device refused");
    const text = refusalTextOf(reason);
    if (device === undefined || !text) return;
    this.#refusalNotes.note(device, { code: reason, peer: channel.peerAddress, ...text });
  }

  #console(gate: Gate, bytes: Uint8Array): void {
    if (!gate.owner) {
      this.#consoleDrops.inc(bytes.length);
      return;
    }
    const { store, clock } = this.#options;
    gate.console ??= new ConsoleText({ device: gate.owner.uid, store, clock, dropped: this.#consoleDrops });
    gate.console.push(bytes);
    this.#consoles.heard(gate.channel, bytes);
  }

  #ownerOf(channel: Channel): DeviceFacts | undefined {
    const { carrier, identity } = channel;
    const key =
      identity.kind === "port"
        ? this.#links.deviceOf(carrier, identity.port)
        : this.#identities.deviceOf(identity.wireId, identity.generation);
    return key === undefined ? undefined : this.#options.registry.get(key);
  }

  #assign(gate: Gate): void {
    const facts = this.#ownerOf(gate.channel);
    if (!facts) return;
    const { key, spec } = facts;
    const session = this.#sessions.open(key, () => this.#buildSession(key, spec.uid));
    if (!session) return;
    const link = session.attach(gate.channel);
    gate.owner = { key, uid: spec.uid, session, link };
    this.#consoles.opened(gate.channel, key);
  }

  #release(gate: Gate): void {
    gate.console?.[Symbol.dispose]();
    delete gate.console;
    this.#consoles.closed(gate.channel);
    gate.owner?.session.detach(gate.owner.link);
    delete gate.owner;
  }

  #buildSession(key: string, uid: string): Session {
    const { clock, heartbeatS } = this.#options;
    return new Session({
      device: uid,
      records: this.#records,
      clock,
      random32: () => randomBytes(4).readUInt32BE(),
      heartbeatS,
      events: this.#facts.eventsOf(key, uid),
      meters: this.#meters,
    });
  }

  /** Follows who is served and who may come in; most changes are facts and change neither. */
  #follow(key: string): void {
    const spec = this.#options.registry.get(key)?.spec;
    const before = this.#specs.get(key);
    if (spec === before) return;
    if (before && before.uid !== spec?.uid) this.#dismiss(key, before.uid);
    if (!spec) return;
    this.#specs.set(key, spec);
    if (before?.uid !== spec.uid) this.#assignWaiting(key);
    else this.#judgeAgain(key, before, spec);
  }

  /** Channels that were open before their Device was there. */
  #assignWaiting(key: string): void {
    for (const gate of this.#gates)
      if (!gate.owner && this.#ownerOf(gate.channel)?.key === key) this.#assign(gate);
  }

  #judgeAgain(key: string, before: DeviceSpec, spec: DeviceSpec): void {
    for (const { channel, owner } of this.#gates) {
      if (owner?.key !== key) continue;
      const [was, is] = [before, spec].map((each) => judgeLink(each, channel));
      if (!was && is) owner.session.refuse(owner.link, "refused");
      if (was && !is) owner.session.invite();
    }
  }

  /** The device is not served any more, or another has taken its name. */
  #dismiss(key: string, uid: string): void {
    this.#specs.delete(key);
    this.#duplicates.forget(key);
    this.#sessions.get(key)?.end("refused");
    for (const gate of this.#gates) if (gate.owner?.key === key) this.#release(gate);
    this.#sessions.close(key);
    this.#reports.forget(uid);
    this.#options.store.forget(uid).catch((error: unknown) => {
      this.#options.log.error({ device: key, err: error }, "could not forget a device");
    });
  }
}
