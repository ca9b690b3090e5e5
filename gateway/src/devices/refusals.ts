import type { TransportRefusal } from "../transport/directory.ts";

/** Why a hello is not answered, although it is known whose channel it came over. */
export type HelloRefusal =
  | "paused"
  | "link-not-listed"
  | "other-hardware"
  | "newer-version"
  | "session-table-full";

/** Every way in which somebody is turned away who named a device. */
export type RefusalCode = TransportRefusal | HelloRefusal;

interface RefusalText {
  /** Whether the proof of the identity was missing; otherwise something else was not as the profile has it. */
  readonly unproved: boolean;
  /** Ends a sentence that begins "a client was refused:". */
  readonly text: string;
}

const unproved = (text: string): RefusalText => ({ unproved: true, text });
const proved = (text: string): RefusalText => ({ unproved: false, text });

/**
 * What the owner of a device reads about each refusal. Undefined: nothing that the owner could mend, or nothing that
 * names a device.
 */
export const refusalTexts: Readonly<Record<RefusalCode, RefusalText | undefined>> = {
  "wrong-password": unproved("wrong password"),
  "wrong-key": unproved("wrong pre-shared key"),
  "wrong-generation": unproved("credential of another generation"),
  "unknown-psk-identity": unproved("the PSK identity is not <wireId>.<generation>"),
  "client-certificate": unproved("the client certificate is not valid for it"),
  "user-name": unproved("the user name is not <wireId>.<generation> of its credential"),
  "client-id": unproved("the client id is not the wire id of its user name"),

  will: proved("it set a will"),
  "persistent-session": proved("it did not ask for a clean session"),
  "publish-topic": proved("it published on a topic that is not its own"),
  "publish-retained": proved("it published a retained message"),
  "publish-qos": proved("it published with a QoS other than 0"),
  "subscribe-topic": proved("it subscribed to a topic that is not its own"),
  "not-mqtt": proved("it sent something other than MQTT"),
  "malformed-length": proved("it sent an MQTT packet with a malformed length"),
  "packet-too-long": proved("it sent an MQTT packet that is too long"),
  protocol: proved("it broke the MQTT protocol"),
  "take-over-limit": proved("newer connections of this identity ended older ones too often"),
  "connect-deadline": proved("it sent no MQTT CONNECT in time"),

  "link-not-listed": proved("spec.links does not list this carrier"),
  "other-hardware": proved("another board answers on the port than the one that is pinned to it"),
  "newer-version": proved("its firmware has a newer version of the profile than this gateway"),
  "session-table-full": proved("this gateway has as many devices as it takes"),

  // Whoever paused the device knows it.
  paused: undefined,
  // A device that does not read for a while, mostly because of its network; it comes back.
  stalled: undefined,
  "unknown-id": undefined,
  handshake: undefined,
  "handshake-deadline": undefined,
  "resumed-session": undefined,
  "pending-limit": undefined,
  "connection-limit": undefined,
};
