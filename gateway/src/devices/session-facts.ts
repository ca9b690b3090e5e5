import {
  commandByOp,
  commands,
  type HelloMessage,
  MessageError,
  Status,
  statusName,
} from "@motelet/profiles";
import type { Clock } from "../foundation/clock.ts";
import type { Logger } from "../foundation/log.ts";
import type { SessionEvents } from "../session/session-events.ts";
import type { SessionTable } from "../session/session-table.ts";
import type { Store } from "../store/store.ts";
import type { Channel } from "../transport/channel.ts";
import type { DuplicateWatch } from "./duplicate-watch.ts";
import { factsOfHello, firmwareOfInfo, hardwareOfInfo } from "./hardware.ts";
import type { Liveness } from "./liveness.ts";
import type { Reports } from "./log/reports.ts";
import type { Registry } from "./registry.ts";
import { sampleOf } from "./samples.ts";

export interface SessionFactsOptions {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly liveness: Liveness;
  readonly reports: Reports;
  readonly duplicates: DuplicateWatch;
  readonly sessions: SessionTable;
}

/** Turns the events of sessions into facts in the registry, log lines, and phases of liveness. */
export class SessionFacts {
  readonly #options: SessionFactsOptions;

  constructor(options: SessionFactsOptions) {
    this.#options = options;
  }

  /** @param uid names the device in the store, `key` in the registry */
  eventsOf(key: string, uid: string): SessionEvents {
    const { registry, clock, log, liveness, reports, duplicates, sessions } = this.#options;
    return {
      began: (hello, channel, how) => {
        reports.begin(uid, hello.ring);
        this.#beginLog(uid, hello);
        log.debug(
          { device: key, link: channel.carrier, peer: channel.peer, boot: hello.boot, ...how },
          "session began",
        );
      },
      confirmed: (hello, channel, { channelId, sid }) => {
        duplicates.confirmed(key, channelId, sid);
        this.#confirmed(key, hello, channel);
      },
      lost: (why) => {
        // A gateway that goes ends all sessions itself: a thousand lines would hold it up and tell nothing.
        if (why === "ended") log.debug({ device: key, code: why }, "device lost");
        else log.info({ device: key, code: why }, "device lost");
        liveness.lost(key, why);
      },
      effectUnknown: (op) => {
        const command = commandByOp(op)?.name ?? op;
        log.warn(
          { device: key, command, code: statusName(Status.ABORTED) },
          "command interrupted, effect unknown",
        );
      },
      asleep: (seconds) => liveness.asleep(key, seconds),
      beat: (beat) => {
        const nowMs = clock.wallMs();
        registry.learn(key, { sample: sampleOf(beat, nowMs), lastSeenMs: nowMs });
      },
      report: (report) => reports.take(uid, report, (storedSeq) => sessions.get(key)?.ack(storedSeq)),
      storedSeq: () => reports.storedSeq(uid),
    };
  }

  #beginLog(uid: string, hello: HelloMessage): void {
    const { clock, store, log } = this.#options;
    const bootedAtMs = clock.wallMs() - (hello.uptimeS ?? 0) * 1000;
    store.database
      .write((transaction) => store.logs.beginBoot(transaction, uid, hello.boot, bootedAtMs))
      .catch((error: unknown) => log.error({ device: uid, err: error }, "could not begin the log of a boot"));
  }

  #confirmed(key: string, hello: HelloMessage, channel: Channel): void {
    const { registry, clock, log, liveness } = this.#options;
    const before = registry.get(key);
    if (!before) return;
    const nowMs = clock.wallMs();
    const { carrier, peer } = channel;
    const rebooted = before.boot !== hello.boot;
    const moved = before.link?.carrier !== carrier || before.link.peer !== peer;
    const { bootedAtMs, ...facts } = factsOfHello(hello, before.hardware, nowMs);
    registry.learn(key, {
      ...facts,
      // Slot and state are the info's to tell, once a boot.
      ...(facts.firmware && !rebooted ? { firmware: { ...before.firmware, ...facts.firmware } } : {}),
      // The uptime of a later hello would only move it by the time that it took to arrive.
      ...(rebooted && bootedAtMs !== undefined ? { bootedAtMs } : {}),
      ...(channel.identity.kind === "wire-id" ? { identityGeneration: channel.identity.generation } : {}),
      ...(moved ? { link: { carrier, peer, sinceMs: nowMs } } : {}),
      // Whatever was wrong with the board is mended, or it was somebody else.
      refusal: undefined,
      lastSeenMs: nowMs,
    });
    if (before.phase !== "Online") log.info({ device: key, link: carrier, peer }, "device online");
    liveness.confirmed(key);
    if (rebooted || before.hardware.arch === undefined) void this.fetchInfo(key);
  }

  /** Asks a device for its info. */
  async fetchInfo(key: string): Promise<void> {
    const { registry, log, sessions } = this.#options;
    const outcome = await sessions.get(key)?.call(commands.info.op, []);
    const facts = registry.get(key);
    if (!outcome || !facts) return;
    if (outcome.status !== Status.OK) {
      log.debug({ device: key, command: commands.info.name, code: outcome.status }, "device gives no info");
      return;
    }
    try {
      const info = commands.info.decodeResult(outcome.result);
      const firmware = firmwareOfInfo(info, facts.firmware);
      registry.learn(key, {
        hardware: hardwareOfInfo(info, facts.hardware),
        ...(firmware ? { firmware } : {}),
      });
    } catch (error) {
      if (!(error instanceof MessageError)) throw error;
      log.warn(
        { device: key, command: commands.info.name, code: error.code },
        "device gives info that cannot be read",
      );
    }
  }
}
