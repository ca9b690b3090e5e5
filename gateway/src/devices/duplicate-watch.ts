import type { HelloMessage } from "@motelet/profiles";
import type { Clock, Timer } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { Metrics } from "../foundation/metrics.ts";
import type { IdentityUser } from "./device.ts";
import {
  confirmed,
  emptyHistory,
  type Greeting,
  type GreetingHistory,
  greeted,
} from "./duplicate-identity.ts";
import type { Registry } from "./registry.ts";

/** A device counts as having one board again when two were not noticed for this long, milliseconds. */
export const duplicateHoldMs = 10 * 60_000;

export interface DuplicateWatchOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly duplicateHoldMs?: number;
}

interface Watched {
  history: GreetingHistory;
  /** Runs while the device is known to have two boards. */
  timer?: Timer;
}

/**
 * Notices two boards that use one identity, and reports it in the device's facts until they have not been noticed for a
 * while. Holds a few hellos and at most one timer for each device.
 */
export class DuplicateWatch implements Disposable {
  readonly #options: DuplicateWatchOptions;
  readonly #watched = new Map<string, Watched>();
  #unsubscribe: (() => void) | undefined;

  constructor(options: DuplicateWatchOptions) {
    this.#options = options;
    const gauge = options.metrics.gauge(
      "motelet_duplicate_identities",
      "Devices whose identity two boards use",
    );
    const collect = () =>
      gauge.set([...this.#watched.values()].filter(({ timer }) => timer !== undefined).length);
    Object.assign(gauge, { collect });
  }

  start(): void {
    const { registry } = this.#options;
    this.#unsubscribe = registry.changes.subscribe((key) => {
      if (!registry.get(key)) this.forget(key);
    });
  }

  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    for (const key of [...this.#watched.keys()]) this.forget(key);
  }

  /** Takes a hello that was admitted. @param connection names the connection among those of the device */
  greeted(key: string, connection: number, peer: string, hello: HelloMessage): void {
    const watched = this.#watched.get(key) ?? { history: emptyHistory };
    this.#watched.set(key, watched);
    const greeting = greetingOf(connection, peer, hello, this.#options.clock.monotonicMs());
    const { history, rival } = greeted(watched.history, greeting);
    watched.history = history;
    if (rival) this.#noticed(key, watched, [userOf(rival), userOf(greeting)]);
  }

  /** The device has answered in this session. */
  confirmed(key: string, connection: number, sid: number): void {
    const watched = this.#watched.get(key);
    if (watched) watched.history = confirmed(watched.history, connection, sid);
  }

  forget(key: string): void {
    this.#watched.get(key)?.timer?.cancel();
    this.#watched.delete(key);
  }

  #noticed(key: string, watched: Watched, users: readonly [IdentityUser, IdentityUser]): void {
    const { registry, clock, log, duplicateHoldMs: holdMs = duplicateHoldMs } = this.#options;
    const known = registry.get(key)?.duplicate;
    if (!known) {
      const peers = users.map(({ peer }) => peer);
      log.warn({ device: key, peers }, "two boards use one identity");
    }
    // The same two are reported once: their ports change with each connection.
    if (!known || !areSame(known.users, users)) registry.learn(key, { duplicate: { users } });
    watched.timer?.cancel();
    watched.timer = clock.after(holdMs, () => {
      delete watched.timer;
      log.info({ device: key }, "one board uses the identity again");
      registry.learn(key, { duplicate: undefined });
    });
  }
}

function greetingOf(
  connection: number,
  peer: string,
  { hardwareId, boot, sid, uptimeS, ring }: HelloMessage,
  atMs: number,
): Greeting {
  return {
    connection,
    peer,
    atMs,
    boot,
    sid,
    ...(hardwareId === undefined ? {} : { hardwareId: Buffer.from(hardwareId).toString("hex") }),
    ...(uptimeS === undefined ? {} : { uptimeS }),
    ...(ring === undefined ? {} : { ring: { epoch: ring.epoch, nextSeq: ring.nextSeq } }),
  };
}

function userOf({ peer, hardwareId, boot }: Greeting): IdentityUser {
  return { peer, boot, ...(hardwareId === undefined ? {} : { hardwareId }) };
}

function areSame(known: readonly IdentityUser[], users: readonly IdentityUser[]): boolean {
  const names = (each: readonly IdentityUser[]) =>
    each
      .map(({ peer, hardwareId = "", boot }) => `${peer.replace(/:\d+$/, "")} ${hardwareId || boot}`)
      .sort()
      .join();
  return names(known) === names(users);
}
