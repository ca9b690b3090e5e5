import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { encodeCbor } from "@motelet/profiles";
import { RequestError } from "../../../foundation/errors.ts";
import { noBytes } from "./coap-message.ts";

/** What both sides agree on before the first message (RFC 8613 §3.2). */
export interface ContextInput {
  readonly masterSecret: Uint8Array;
  readonly masterSalt?: Uint8Array;
  /** Own ID. Both IDs are 0–7 bytes long and differ. */
  readonly senderId: Uint8Array;
  readonly recipientId: Uint8Array;
  readonly idContext?: Uint8Array;
}

/** Keys and IDs for messages with one peer: nothing in it changes. Sequence numbers and the replay window are kept elsewhere. */
export interface SecurityContext {
  readonly senderId: Uint8Array;
  readonly senderKey: KeyObject;
  readonly recipientId: Uint8Array;
  readonly recipientKey: KeyObject;
  readonly commonIv: Uint8Array;
  readonly idContext?: Uint8Array;
}

/** AES-CCM-16-64-128 in the registry of COSE: the algorithm of every context. */
export const aeadAlgorithm = 10;
export const keyBytes = 16;
export const nonceBytes = 13;
/** A nonce holds the length of the ID, the ID, and 5 bytes of Partial IV (RFC 8613 §3.3). */
export const maxIdBytes = nonceBytes - 6;

/**
 * Derives a context by HKDF-SHA-256 (RFC 8613 §3.2.1).
 * @throws RequestError OSCORE_ID_LENGTH, OSCORE_ID_EQUAL
 */
export function deriveContext(input: ContextInput): SecurityContext {
  const { senderId, recipientId, idContext } = input;
  for (const id of [senderId, recipientId]) {
    if (id.length > maxIdBytes)
      throw new RequestError("OSCORE_ID_LENGTH", `an OSCORE ID has ${id.length} bytes: limit ${maxIdBytes}`);
  }
  // With equal IDs both directions would use the same key and the same nonces.
  if (Buffer.compare(senderId, recipientId) === 0)
    throw new RequestError("OSCORE_ID_EQUAL", "the OSCORE IDs of the two sides are equal: they must differ");
  return {
    senderId,
    senderKey: createSecretKey(expand(input, senderId, "Key", keyBytes)),
    recipientId,
    recipientKey: createSecretKey(expand(input, recipientId, "Key", keyBytes)),
    commonIv: expand(input, noBytes, "IV", nonceBytes),
    ...(idContext ? { idContext } : {}),
  };
}

/** `info` of RFC 8613 §3.2.1: [id, id_context / nil, alg_aead, type, L] */
export function derivationInfo(
  id: Uint8Array,
  idContext: Uint8Array | undefined,
  type: "Key" | "IV",
  length: number,
): Uint8Array {
  return encodeCbor([id, idContext ?? null, aeadAlgorithm, type, length]);
}

function expand(
  { masterSecret, masterSalt = noBytes, idContext }: ContextInput,
  id: Uint8Array,
  type: "Key" | "IV",
  length: number,
): Uint8Array {
  const info = derivationInfo(id, idContext, type, length);
  return new Uint8Array(hkdfSync("sha256", masterSecret, masterSalt, info, length));
}
