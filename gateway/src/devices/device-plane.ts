import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { SessionTable } from "../session/session-table.ts";
import type { Store } from "../store/store.ts";
import type { ChannelAcceptor } from "../transport/channel.ts";
import type { Authenticator, KeyDirectory, WantedLinks } from "../transport/directory.ts";
import { ChannelOwners } from "./channel-owners.ts";
import type { DeviceSpec } from "./device.ts";
import { DeviceChannels } from "./device-channels.ts";
import { DeviceProbes } from "./device-probes.ts";
import { DuplicateWatch } from "./duplicate-watch.ts";
import { HelloAdmission } from "./hello-admission.ts";
import { Liveness } from "./liveness.ts";
import { DeviceLog, type DeviceLogReader } from "./log/device-log.ts";
import { Reports } from "./log/reports.ts";
import { PeripheralWatch } from "./peripheral-watch.ts";
import { RawConsoles } from "./raw-consoles.ts";
import { RefusalNotes } from "./refusal-notes.ts";
import type { Registry } from "./registry.ts";
import { sessionBuilder } from "./session-builder.ts";
import { SessionFacts } from "./session-facts.ts";
import { askClockSkew } from "./verbs/clock-skew.ts";
import { DeviceCalls } from "./verbs/device-calls.ts";
import { type DeviceVerbs, deviceVerbs } from "./verbs/device-verbs.ts";
import { askPeripherals } from "./verbs/peripheral-list.ts";

export interface DevicePlaneOptions {
  readonly registry: Registry;
  readonly store: Store;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly heartbeatS: number;
  readonly maxSessions?: number;
  /** Milliseconds without a new sign of a second board after which a device counts as having one board again. */
  readonly duplicateHoldMs?: number;
}

/** The parts that watch devices for as long as the gateway stays. */
interface Watch extends Disposable {
  start(): void;
}

/**
 * All parts about devices: what transports call, what callers can do with devices, and what is learnt about devices for
 * the registry and the log.
 */
export class DevicePlane implements AsyncDisposable {
  /** Transports pass their channels to this acceptor. */
  readonly acceptor: ChannelAcceptor;
  readonly authenticator: Authenticator;
  readonly wantedLinks: WantedLinks;
  readonly keys: KeyDirectory;
  readonly verbs: DeviceVerbs;
  readonly logs: DeviceLogReader;
  readonly #options: DevicePlaneOptions;
  readonly #notes: RefusalNotes;
  readonly #owners: ChannelOwners;
  readonly #channels: DeviceChannels;
  readonly #sessions: SessionTable;
  readonly #reports: Reports;
  readonly #duplicates: DuplicateWatch;
  readonly #watches: readonly Watch[];
  /** Specs of the served devices, to detect which are removed, replaced or changed. */
  readonly #specs = new Map<string, DeviceSpec>();
  #unsubscribe: (() => void) | undefined;
  #leaving = false;

  constructor(options: DevicePlaneOptions) {
    const { registry, store, metrics, clock, heartbeatS } = options;
    const { keyValues } = store;
    this.#options = options;
    this.#notes = new RefusalNotes(options);
    this.#owners = new ChannelOwners({ registry, metrics, notes: this.#notes });
    this.#sessions = new SessionTable({ maxSessions: options.maxSessions ?? 10_000, metrics });
    this.#reports = new Reports(options);
    this.#duplicates = new DuplicateWatch(options);
    const [sessions, reports, duplicates] = [this.#sessions, this.#reports, this.#duplicates];
    const liveness = new Liveness({ registry, clock, heartbeatS });
    const facts = new SessionFacts({ ...options, liveness, reports, duplicates, sessions });
    const consoles = new RawConsoles(() => clock.monotonicMs(), metrics);
    this.#channels = new DeviceChannels({
      ...options,
      owners: this.#owners,
      hellos: new HelloAdmission({ ...options, keyValues, notes: this.#notes }),
      consoles,
      sessions,
      buildSession: sessionBuilder({ ...options, keyValues, eventsOf: facts.eventsOf.bind(facts) }),
      // Before the session: what is learnt of the hello depends on whether another board has said it.
      greeted: ({ key, channelId }, { peer }, hello) => duplicates.greeted(key, channelId, peer, hello),
    });
    const calls = new DeviceCalls({ registry, sessions, clock, metrics });
    const verbs = deviceVerbs({ calls, sessions, consoles, clock });
    const probes = deviceProbesOf(options, calls, verbs, facts);
    const ask = askPeripherals.bind(undefined, calls);
    this.#watches = [liveness, probes, new PeripheralWatch({ registry, clock, ask }), duplicates];
    this.acceptor = this.#channels;
    this.authenticator = this.#owners.identities;
    this.wantedLinks = this.#owners.links;
    this.keys = this.#owners.identities;
    this.verbs = { ...verbs, stats: noticedStats(verbs, probes) };
    this.logs = new DeviceLog(registry, store.logs);
  }

  /** Starts to follow the registry and to judge which devices are alive. */
  start(): void {
    this.#owners.start();
    for (const watch of this.#watches) watch.start();
    this.#unsubscribe = this.#options.registry.follow((key) => this.#follow(key));
  }

  /** Forgets devices that were deleted while no gateway ran. Call it when all served Devices have been admitted. */
  async forgetRemoved(): Promise<void> {
    const { registry, store } = this.#options;
    const served = new Set(registry.list().map(({ spec }) => spec.uid));
    await Promise.all(store.devices().map((uid) => (served.has(uid) ? undefined : store.forget(uid))));
  }

  /**
   * Announces to all devices that the gateway is closing, so that they say hello again soon. Call it while their
   * channels are open. It sets no device Offline.
   */
  sayGoodbye(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#channels.leave();
    for (const watch of this.#watches) watch[Symbol.dispose]();
    for (const session of this.#sessions.all()) session.end("closing");
  }

  /** Says good-bye if that has not been done, and stores what is waiting to be stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.sayGoodbye();
    this.#unsubscribe?.();
    this.#channels[Symbol.dispose]();
    for (const session of this.#sessions.all()) session[Symbol.dispose]();
    this.#owners[Symbol.dispose]();
    this.#notes[Symbol.dispose]();
    this.#options.store.database.flush();
  }

  /** Follows which devices are served and over which links; most changes are facts and change neither. */
  #follow(key: string): void {
    const spec = this.#options.registry.get(key)?.spec;
    const before = this.#specs.get(key);
    if (spec === before) return;
    if (before && before.uid !== spec?.uid) this.#dismiss(key, before.uid);
    if (!spec) return;
    this.#specs.set(key, spec);
    if (before?.uid !== spec.uid) this.#channels.assignWaiting(key);
    else this.#channels.judgeAgain(key, before, spec);
  }

  /** The device is not served any more, or another has taken its name. */
  #dismiss(key: string, uid: string): void {
    this.#specs.delete(key);
    this.#duplicates.forget(key);
    this.#sessions.get(key)?.end("refused");
    this.#channels.release(key);
    this.#sessions.close(key);
    this.#reports.forget(uid);
    this.#options.store.forget(uid).catch((error: unknown) => {
      this.#options.log.error({ device: key, err: error }, "could not forget a device");
    });
  }
}

function deviceProbesOf(
  { registry, clock }: DevicePlaneOptions,
  calls: DeviceCalls,
  { stats }: DeviceVerbs,
  facts: SessionFacts,
): DeviceProbes {
  return new DeviceProbes({
    registry,
    clock,
    stats,
    clockSkew: (key, signal) => askClockSkew(calls, clock, key, signal),
    fetchInfo: (key) => facts.fetchInfo(key),
  });
}

/** Answers of devices to callers are probes, too. */
function noticedStats({ stats }: DeviceVerbs, probes: DeviceProbes): DeviceVerbs["stats"] {
  return {
    stats: async (key, asked) => {
      const told = await stats.stats(key, asked);
      probes.told(key, told);
      return told;
    },
  };
}
