import { createHash } from "node:crypto";
import { userName } from "@motelet/profiles";
import type { WireIdentity } from "../../directory.ts";
import { noBytes } from "./coap-message.ts";
import { deriveContext, type SecurityContext } from "./security-context.ts";

/** Shorter keys can be guessed from one recorded message. */
export const minKeyBytes = 16;
const kidBytes = 2;

/**
 * The kid of one generation of an identity (SPEC §10.4): the first 2 bytes of SHA-256 of `<wireId>.<generation>`. Two identities
 * may have one kid; then each of their keys is tried.
 */
export function kidOf(identity: WireIdentity): Uint8Array {
  return createHash("sha256")
    .update(userName(identity.wireId, identity.generation))
    .digest()
    .subarray(0, kidBytes);
}

/**
 * The context of one generation of an identity, seen from the gateway (SPEC §10.4).
 *
 *   Master Secret  the key of the Secret, else the bytes of the password
 *   Master Salt    `<wireId>.<generation>`
 *   Sender ID      empty for the gateway, the kid for the device; there is no ID Context
 *
 * The salt makes the keys of two generations differ, and those of OSCORE and TLS-PSK, even if somebody gives them the same secret.
 * @returns undefined if the key is shorter than 16 bytes
 */
export function gatewayContext(identity: WireIdentity, key: Uint8Array): SecurityContext | undefined {
  if (key.length < minKeyBytes) return undefined;
  return deriveContext({
    masterSecret: key,
    masterSalt: Buffer.from(userName(identity.wireId, identity.generation)),
    senderId: noBytes,
    recipientId: kidOf(identity),
  });
}
