/** The carriers of the protocol (SPEC §10). */
export const carrierNames = ["mqtt", "coap", "serial"] as const;
export type CarrierName = (typeof carrierNames)[number];

const wireIdPattern = /^[a-z0-9]{1,12}$/;
const topicPattern = /^m\/([a-z0-9]{1,12})\/([ud])$/;
const userNamePattern = /^([a-z0-9]{1,12})\.(0|[1-9][0-9]{0,8})$/;

/** Whether the text is a wire id: 1–12 of [a-z0-9]. */
export function isWireId(text: string): boolean {
  return wireIdPattern.test(text);
}

/** The topic on which a device publishes. */
export function uplinkTopic(wireId: string): string {
  return `m/${wireId}/u`;
}

/** The topic to which a device subscribes. */
export function downlinkTopic(wireId: string): string {
  return `m/${wireId}/d`;
}

/** Parses a topic of the profile; undefined for any other text. */
export function parseTopic(topic: string): { wireId: string; direction: "up" | "down" } | undefined {
  const match = topicPattern.exec(topic);
  return match ? { wireId: match[1] as string, direction: match[2] === "u" ? "up" : "down" } : undefined;
}

/** The user name (and PSK identity) of one generation of a device's credential. */
export function userName(wireId: string, generation: number): string {
  return `${wireId}.${generation}`;
}

/** Parses a user name; undefined for any other text. */
export function parseUserName(text: string): { wireId: string; generation: number } | undefined {
  const match = userNamePattern.exec(text);
  return match ? { wireId: match[1] as string, generation: Number(match[2]) } : undefined;
}
