import { InternalError } from "../../../foundation/errors.ts";
import { buildAad, buildNonce, open, seal } from "./aead.ts";
import { type CoapMessage, coapCode, coapOption, isRequest, optionOf } from "./coap-message.ts";
import { refuse, type Unprotected } from "./faults.ts";
import { mergeOptions, splitOptions, withOscoreOption } from "./option-split.ts";
import {
  decodeOscoreOption,
  encodeOscoreOption,
  encodePartialIv,
  maxSequence,
  type OscoreOption,
  partialIvValue,
} from "./oscore-option.ts";
import { decodePlaintext, encodePlaintext } from "./plaintext.ts";
import type { SecurityContext } from "./security-context.ts";

/** What a response needs to know of its request: both sides keep it until the exchange, or the observation, ends. */
export interface RequestBinding {
  readonly kid: Uint8Array;
  readonly partialIv: Uint8Array;
}

/** The OSCORE option of a message and what it says, before anything is decrypted. */
export function readOscoreOption(message: CoapMessage): Unprotected<{ readonly option: OscoreOption }> {
  const value = optionOf(message, coapOption.oscore);
  if (!value) return refuse("not-protected");
  const option = decodeOscoreOption(value);
  // OSCORE without a payload is malformed (RFC 8613 §2).
  return option && message.payload.length > 0 ? { ok: true, option } : refuse("malformed");
}

/**
 * Protects a request (RFC 8613 §8.1).
 * @param sequence a number that this context has never used
 * @param showIdContext whether the request carries the ID Context, if there is one
 */
export function protectRequest(
  context: SecurityContext,
  message: CoapMessage,
  sequence: number,
  showIdContext = context.idContext !== undefined,
): { readonly message: CoapMessage; readonly binding: RequestBinding } {
  const binding = { kid: context.senderId, partialIv: checkedPartialIv(sequence) };
  const option = {
    ...binding,
    ...(showIdContext && context.idContext ? { kidContext: context.idContext } : {}),
  };
  const nonce = buildNonce(context.senderId, binding.partialIv, context.commonIv);
  return { message: protect(context, message, binding, option, nonce), binding };
}

/**
 * Protects a response (RFC 8613 §8.3).
 * @param sequence a number that this context has never used; undefined takes the request's nonce, which may be done once for a
 *   request that is known not to be a replay
 */
export function protectResponse(
  context: SecurityContext,
  message: CoapMessage,
  binding: RequestBinding,
  sequence: number | undefined,
): CoapMessage {
  const partialIv = sequence === undefined ? undefined : checkedPartialIv(sequence);
  const nonce = partialIv
    ? buildNonce(context.senderId, partialIv, context.commonIv)
    : buildNonce(binding.kid, binding.partialIv, context.commonIv);
  return protect(context, message, binding, partialIv ? { partialIv } : {}, nonce);
}

/**
 * Decrypts a request. The caller has found the context by kid and kid context, and judges replays.
 * @param option what `readOscoreOption` returned for the message
 */
export function unprotectRequest(
  context: SecurityContext,
  message: CoapMessage,
  option: OscoreOption,
): Unprotected<{
  readonly message: CoapMessage;
  readonly binding: RequestBinding;
  readonly sequence: number;
}> {
  const { kid, partialIv } = option;
  if (!kid || !partialIv) return refuse("malformed");
  // Copies: they outlive the datagram.
  const binding = { kid: Uint8Array.from(kid), partialIv: Uint8Array.from(partialIv) };
  const nonce = buildNonce(context.recipientId, partialIv, context.commonIv);
  const inner = unprotect(context, message, binding, nonce);
  if (!inner) return refuse("undecryptable");
  if (!isRequest(inner)) return refuse("malformed");
  return { ok: true, message: inner, binding, sequence: partialIvValue(partialIv) };
}

/**
 * Decrypts a response (RFC 8613 §8.4). A notification is newer than another one if its sequence number is higher; one without a
 * number is the oldest, and the caller takes it once only.
 */
export function unprotectResponse(
  context: SecurityContext,
  message: CoapMessage,
  binding: RequestBinding,
): Unprotected<{ readonly message: CoapMessage; readonly sequence: number | undefined }> {
  const read = readOscoreOption(message);
  if (!read.ok) return read;
  const { partialIv } = read.option;
  const nonce = partialIv
    ? buildNonce(context.recipientId, partialIv, context.commonIv)
    : buildNonce(binding.kid, binding.partialIv, context.commonIv);
  const inner = unprotect(context, message, binding, nonce);
  if (!inner) return refuse("undecryptable");
  if (inner.code < 0x40) return refuse("malformed");
  return { ok: true, message: inner, sequence: partialIv && partialIvValue(partialIv) };
}

function protect(
  context: SecurityContext,
  message: CoapMessage,
  binding: RequestBinding,
  option: OscoreOption,
  nonce: Uint8Array,
): CoapMessage {
  const kind = isRequest(message) ? "request" : "response";
  const { inner, outer } = splitOptions(message, kind);
  const plaintext = encodePlaintext({ ...message, options: inner });
  const aad = buildAad(binding.kid, binding.partialIv);
  return {
    code: outerCode(
      kind,
      outer.some(([number]) => number === coapOption.observe),
    ),
    options: withOscoreOption(outer, encodeOscoreOption(option)),
    payload: seal(context.senderKey, nonce, aad, plaintext),
  };
}

function unprotect(
  context: SecurityContext,
  message: CoapMessage,
  binding: RequestBinding,
  nonce: Uint8Array,
): CoapMessage | undefined {
  const aad = buildAad(binding.kid, binding.partialIv);
  const plaintext = open(context.recipientKey, nonce, aad, message.payload);
  const inner = plaintext && decodePlaintext(plaintext);
  if (!inner || inner.options.some(([number]) => number === coapOption.oscore)) return undefined;
  return { ...inner, options: mergeOptions(message.options, inner.options) };
}

/** POST with Observe is not defined, so that proxies see FETCH and Content (RFC 8613 §4.2). */
function outerCode(kind: "request" | "response", observe: boolean): number {
  if (kind === "request") return observe ? coapCode.fetch : coapCode.post;
  return observe ? coapCode.content : coapCode.changed;
}

function checkedPartialIv(sequence: number): Uint8Array {
  if (!Number.isSafeInteger(sequence) || sequence < 0 || sequence > maxSequence)
    throw new InternalError(
      "OSCORE_SEQUENCE",
      `the sequence number ${sequence} is not in 0 … ${maxSequence}`,
    );
  return encodePartialIv(sequence);
}
