import { type HelloMessage, profileVersion } from "@motelet/profiles";
import type { KeyValues } from "../store/key-values.ts";
import type { Channel } from "../transport/channel.ts";
import type { DeviceFacts, DeviceSpec } from "./device.ts";
import type { HelloRefusal } from "./refusals.ts";

/** What a transport has proved of a channel. */
type Way = Pick<Channel, "carrier" | "identity">;

/** Hardware ids by port, as stored. */
type Pins = Readonly<Record<string, string>>;

/**
 * Decides whether a device is admitted with what its transport has proved. A serial port only proves to which port the
 * board is wired. So the first hardware id that greets on a port is pinned, and any other is refused: this detects
 * swapped cables.
 */
export class Admission {
  readonly #keyValues: KeyValues;

  constructor(keyValues: KeyValues) {
    this.#keyValues = keyValues;
  }

  /** @returns undefined if the device is admitted */
  judge(facts: DeviceFacts, channel: Way, hello: HelloMessage): HelloRefusal | undefined {
    const { spec } = facts;
    const { identity } = channel;
    const refusal = judgeLink(spec, channel);
    if (refusal) return refusal;
    if (hello.version > profileVersion) return "newer-version";
    if (identity.kind === "port" && !this.#pinHolds(spec.uid, identity.port, hello)) return "other-hardware";
    return undefined;
  }

  #pinHolds(uid: string, port: string, hello: HelloMessage): boolean {
    if (!hello.hardwareId) return true;
    const hardwareId = Buffer.from(hello.hardwareId).toString("hex");
    const pins = this.#keyValues.get(`pin/${uid}`) as Pins | undefined;
    const pinned = pins?.[port];
    if (pinned !== undefined) return pinned === hardwareId;
    // A pin that cannot be stored now is set by a later hello.
    this.#keyValues.put(`pin/${uid}`, { ...pins, [port]: hardwareId }).catch(() => undefined);
    return true;
  }
}

/** Decides by the spec alone whether the device may use this link. */
export function judgeLink(spec: DeviceSpec, channel: Way): HelloRefusal | undefined {
  if (spec.paused) return "paused";
  return listsLink(spec, channel) ? undefined : "link-not-listed";
}

/** Without `spec.links` a device may use every carrier over which it proves its identity, and no port. */
function listsLink({ links }: DeviceSpec, { carrier, identity }: Way): boolean {
  const port = identity.kind === "port" ? identity.port : undefined;
  if (!links) return port === undefined;
  return links.some((link) => link.carrier === carrier && (port === undefined || link.port === port));
}
