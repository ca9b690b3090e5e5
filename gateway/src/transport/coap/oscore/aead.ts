import { createCipheriv, createDecipheriv, type KeyObject } from "node:crypto";
import { encodeCbor } from "@motelet/profiles";
import { noBytes } from "./coap-message.ts";
import { aeadAlgorithm, nonceBytes } from "./security-context.ts";

const cipher = "aes-128-ccm";
const tagBytes = 8;

/**
 * The nonce of a message whose Partial IV was made by the holder of `id` (RFC 8613 §5.2).
 *
 *   (length of ID:1 ‖ ID, padded on the left to 7 ‖ Partial IV, padded on the left to 5) xor Common IV
 */
export function buildNonce(id: Uint8Array, partialIv: Uint8Array, commonIv: Uint8Array): Uint8Array {
  const nonce = new Uint8Array(nonceBytes);
  nonce[0] = id.length;
  nonce.set(id, nonceBytes - 5 - id.length);
  nonce.set(partialIv, nonceBytes - partialIv.length);
  return nonce.map((byte, index) => byte ^ (commonIv[index] as number));
}

/** `aad_array` of RFC 8613 §5.4: [oscore_version, [alg_aead], request_kid, request_piv, options], without Class I options. */
export function aadArray(requestKid: Uint8Array, requestPartialIv: Uint8Array): Uint8Array {
  return encodeCbor([1, [aeadAlgorithm], requestKid, requestPartialIv, noBytes]);
}

/** `Enc_structure` of RFC 8152 §5.3: what the tag of request and response covers besides the plaintext. */
export function buildAad(requestKid: Uint8Array, requestPartialIv: Uint8Array): Uint8Array {
  return encodeCbor(["Encrypt0", noBytes, aadArray(requestKid, requestPartialIv)]);
}

/** @returns ciphertext ‖ tag:8 */
export function seal(key: KeyObject, nonce: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const encryption = createCipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  encryption.setAAD(aad, { plaintextLength: plaintext.length });
  const ciphertext = encryption.update(plaintext);
  encryption.final();
  return Buffer.concat([ciphertext, encryption.getAuthTag()]);
}

/** @returns undefined if the bytes are not what the holder of the key sealed */
export function open(
  key: KeyObject,
  nonce: Uint8Array,
  aad: Uint8Array,
  sealed: Uint8Array,
): Uint8Array | undefined {
  const length = sealed.length - tagBytes;
  // The code is always there.
  if (length < 1) return undefined;
  const decryption = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes });
  decryption.setAuthTag(sealed.subarray(length));
  decryption.setAAD(aad, { plaintextLength: length });
  const plaintext = decryption.update(sealed.subarray(0, length));
  try {
    decryption.final();
    return plaintext;
  } catch {
    return undefined;
  }
}
