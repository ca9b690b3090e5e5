import { downlinkTopic, parseUserName, uplinkTopic } from "@motelet/profiles";
import type { WireIdentity } from "../directory.ts";

/** The fields of a client's CONNECT, without its secret. */
export interface ConnectRequest {
  readonly clientId: string;
  readonly userName: string | undefined;
  readonly cleanSession: boolean;
  readonly hasWill: boolean;
}

/** Why something was refused: the label of the counter and the `code` of the log line. */
export type AccessRefusal =
  | "user-name"
  | "client-id"
  | "persistent-session"
  | "will"
  | "publish-topic"
  | "publish-retained"
  | "publish-qos"
  | "subscribe-topic";

export type ConnectDecision =
  | { readonly allowed: true; readonly wireId: string; readonly generation: number }
  | { readonly allowed: false; readonly reason: AccessRefusal };

/**
 * Checks a CONNECT before its password (SPEC §10.1): the user name names an identity, the client id is that identity's
 * wire id, the session is clean and there is no will.
 * @param proven the identity that the TLS handshake has proved: then the user name may be left out, but not be
 * another's
 */
export function decideConnect(request: ConnectRequest, proven?: WireIdentity): ConnectDecision {
  const named = request.userName === undefined ? undefined : parseUserName(request.userName);
  const identity = proven && request.userName === undefined ? proven : named;
  if (!identity) return { allowed: false, reason: "user-name" };
  if (proven && (identity.wireId !== proven.wireId || identity.generation !== proven.generation))
    return { allowed: false, reason: "user-name" };
  // A take-over goes by client id, so an id that is not the proved one would let one device end another.
  if (request.clientId !== identity.wireId) return { allowed: false, reason: "client-id" };
  if (request.hasWill) return { allowed: false, reason: "will" };
  if (!request.cleanSession) return { allowed: false, reason: "persistent-session" };
  return { allowed: true, wireId: identity.wireId, generation: identity.generation };
}

/** Why this device may not publish this; undefined if it may. */
export function refusePublish(
  wireId: string,
  packet: { readonly topic: string; readonly retain: boolean; readonly qos: number },
): AccessRefusal | undefined {
  if (packet.topic !== uplinkTopic(wireId)) return "publish-topic";
  if (packet.retain) return "publish-retained";
  // A PUBACK would promise what is not kept: it leaves before anything is stored.
  if (packet.qos > 0) return "publish-qos";
  return undefined;
}

/** Why this device may not subscribe to the filter; undefined if it may. Wildcards never equal a downlink topic. */
export function refuseSubscribe(wireId: string, filter: string): AccessRefusal | undefined {
  return filter === downlinkTopic(wireId) ? undefined : "subscribe-topic";
}
