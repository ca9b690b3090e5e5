import type { BeatMessage, HelloMessage, ReportMessage } from "@motelet/profiles";
import type { Channel } from "../transport/channel.ts";

/** Numbers a channel of the device in its session. */
export type ChannelId = number;

/** Why a session is over. */
export type SessionLoss = "silence" | "closing" | "refused" | "ended";

/** What a loss means for people who wait for something. */
export const lossSentence: Readonly<Record<SessionLoss, string>> = {
  silence: "the device does not answer any more",
  closing: "the device has said good-bye",
  refused: "the device is not admitted any more",
  ended: "the gateway has ended the session",
};

/** What a session tells its owner; calls must not throw. */
export interface SessionEvents {
  /** A session begins or goes on. `rebooted`: the device has booted since the session before. */
  began(hello: HelloMessage, channel: Channel, how: { resumed: boolean; rebooted: boolean }): void;
  /** The path works both ways: the device is there, and knows its session. */
  confirmed(hello: HelloMessage, channel: Channel, session: { channelId: ChannelId; sid: number }): void;
  lost(why: SessionLoss): void;
  /** An at-most-once request was under way when the gateway last died, and nobody waits for it any more. */
  effectUnknown(op: number): void;
  asleep(seconds: number): void;
  beat(beat: BeatMessage): void;
  report(report: ReportMessage): void;
  /** What is stored of the ring that the hello names (SPEC §5.2). */
  storedSeq(hello: HelloMessage): number;
}
