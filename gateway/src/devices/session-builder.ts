import { randomBytes } from "node:crypto";
import type { Clock } from "../foundation/clock.ts";
import type { Metrics } from "../foundation/metrics.ts";
import { Session } from "../session/session.ts";
import type { SessionEvents } from "../session/session-events.ts";
import { sessionMeters } from "../session/session-meters.ts";
import { SessionRecords } from "../session/session-record.ts";
import type { KeyValues } from "../store/key-values.ts";

/** Builds the session of a device. `uid` names the device in the store, `key` in the registry. */
export type SessionBuilder = (key: string, uid: string) => Session;

/** @param eventsOf returns the receiver of a session's events */
export function sessionBuilder(options: {
  readonly keyValues: KeyValues;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly heartbeatS: number;
  readonly eventsOf: (key: string, uid: string) => SessionEvents;
}): SessionBuilder {
  const { clock, heartbeatS, eventsOf } = options;
  const records = new SessionRecords(options.keyValues);
  const meters = sessionMeters(options.metrics);
  return (key, uid) =>
    new Session({
      device: uid,
      records,
      clock,
      random32: () => randomBytes(4).readUInt32BE(),
      heartbeatS,
      events: eventsOf(key, uid),
      meters,
    });
}
