import type { IdentityRefusal, RefusalText } from "../transport/directory.ts";

/** Why a hello is refused although the owner of its channel is known. */
export type HelloRefusal =
  | "paused"
  | "link-not-listed"
  | "other-hardware"
  | "newer-version"
  | "session-table-full";

const unproved = (text: string): RefusalText => ({ unproved: true, text });
const proved = (text: string): RefusalText => ({ unproved: false, text });

/**
 * What the owner of a device reads about refusals that are decided in this layer; texts of a carrier are in its folder.
 * Undefined: the owner cannot correct it, or it names no device.
 */
export const refusalTexts: Readonly<Record<IdentityRefusal | HelloRefusal, RefusalText | undefined>> = {
  "wrong-password": unproved("wrong password"),
  "wrong-key": unproved("wrong pre-shared key"),
  "wrong-generation": unproved("credential of another generation"),
  "take-over-limit": proved("newer connections of this identity ended older ones too often"),

  "link-not-listed": proved("spec.links does not list this carrier"),
  "other-hardware": proved("another board answers on the port than the one that is pinned to it"),
  "newer-version": proved("its firmware has a newer version of the profile than this gateway"),
  "session-table-full": proved("this gateway already serves its maximum number of devices"),

  // Whoever paused the device knows it.
  paused: undefined,
  "unknown-id": undefined,
};

/** @returns undefined also for a refusal that belongs to a carrier */
export function refusalTextOf(code: string): RefusalText | undefined {
  return (refusalTexts as Readonly<Record<string, RefusalText | undefined>>)[code];
}
