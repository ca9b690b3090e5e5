import type { IdentityRefusal, RefusalText } from "../directory.ts";

const unproved = (text: string): RefusalText => ({ unproved: true, text });
const proved = (text: string): RefusalText => ({ unproved: false, text });

/**
 * Why this transport refuses requests, for reasons other than the identity, with what the owner of a device reads about
 * it. Undefined: nothing that the owner could correct, or nothing that names a device.
 */
export const coapRefusalTexts = {
  credential: unproved("its hello has no credential: Uri-Query u=<wireId>.<generation> and p=<password>"),
  "message-id": proved("its message ids do not ascend by one"),
  "unusable-key": unproved("its OSCORE key is shorter than 16 bytes, or too many others have its key id"),
  "retired-key": proved(
    "its OSCORE key must not be used any more: give it a new key and a higher generation",
  ),
  "not-hello": proved("it sent a FETCH that is not a hello with Observe 0"),

  // No name was shown, or one of an earlier generation: the directory has the words.
  "unknown-kid": undefined,
  "oscore-malformed": undefined,
  // The network repeats datagrams, and anybody can.
  replayed: undefined,
  insecure: undefined,
  "no-oscore": undefined,
  // A new hello repairs it.
  "no-channel": undefined,
  "channel-limit": undefined,
  "hello-deadline": undefined,
} as const satisfies Readonly<Record<string, RefusalText | undefined>>;

/** Label of the transport's counter and `code` of its log line. */
export type CoapRefusal = IdentityRefusal | keyof typeof coapRefusalTexts;

/** @returns undefined for an IdentityRefusal, too: its words are not a carrier's */
export function coapRefusalTextOf(reason: CoapRefusal): RefusalText | undefined {
  return (coapRefusalTexts as Readonly<Record<string, RefusalText | undefined>>)[reason];
}
