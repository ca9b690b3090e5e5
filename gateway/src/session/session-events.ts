import type { BeatMessage, HelloMessage, ReportMessage } from "@motelet/profiles";
import type { Channel } from "../transport/channel.ts";

/** Numbers a channel of the device in its session. */
export type ChannelId = number;

/** Why a session is over. */
export type SessionLoss = "silence" | "closing" | "refused" | "ended";

/** The meaning of a loss, for callers that wait. */
export const lossSentence: Readonly<Record<SessionLoss, string>> = {
  silence: "the device no longer answers",
  closing: "the device has closed its session",
  refused: "the device is no longer admitted",
  ended: "the gateway has ended the session",
};

/** Events of a session for its owner; calls must not throw. */
export interface SessionEvents {
  /** A session begins or is resumed. `rebooted`: the device has booted since the previous session. */
  began(hello: HelloMessage, channel: Channel, how: { resumed: boolean; rebooted: boolean }): void;
  /** Messages arrive in both directions: the device is alive and knows its session. */
  confirmed(hello: HelloMessage, channel: Channel, session: { channelId: ChannelId; sid: number }): void;
  lost(why: SessionLoss): void;
  /** An at-most-once request was in flight when the gateway last ended, and no caller waits for it any more. */
  effectUnknown(op: number): void;
  asleep(seconds: number): void;
  beat(beat: BeatMessage): void;
  report(report: ReportMessage): void;
  /** The last stored report of the ring that the hello names (SPEC §5.2). */
  storedSeq(hello: HelloMessage): number;
}
