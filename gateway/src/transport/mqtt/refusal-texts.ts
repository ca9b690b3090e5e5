import type { IdentityRefusal, RefusalText } from "../directory.ts";

const unproved = (text: string): RefusalText => ({ unproved: true, text });
const proved = (text: string): RefusalText => ({ unproved: false, text });

/**
 * Why this transport refuses clients, for reasons other than the identity, with the text for the owner of the device.
 * Undefined: the owner cannot correct it, or it names no device.
 */
export const mqttRefusalTexts = {
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
  "connect-deadline": proved("it sent no MQTT CONNECT in time"),

  // A device that does not read for a while, mostly because of its network; it comes back.
  stalled: undefined,
  handshake: undefined,
  "handshake-deadline": undefined,
  "resumed-session": undefined,
  "pending-limit": undefined,
  "connection-limit": undefined,
} as const satisfies Readonly<Record<string, RefusalText | undefined>>;

/** Label of the transport's counter and `code` of its log line. */
export type MqttRefusal = IdentityRefusal | keyof typeof mqttRefusalTexts;

/** @returns undefined also for an IdentityRefusal: its text does not depend on the carrier */
export function mqttRefusalTextOf(reason: MqttRefusal): RefusalText | undefined {
  return (mqttRefusalTexts as Readonly<Record<string, RefusalText | undefined>>)[reason];
}
