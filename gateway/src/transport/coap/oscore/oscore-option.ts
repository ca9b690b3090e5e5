import { noBytes } from "./coap-message.ts";

/** What the OSCORE option carries of the compressed COSE object (RFC 8613 §6.1). */
export interface OscoreOption {
  /** 1–5 bytes, no leading zeros except for the value 0; absent in a response under the request's nonce. */
  readonly partialIv?: Uint8Array;
  readonly kidContext?: Uint8Array;
  /** Sender ID of the requester; may be empty. */
  readonly kid?: Uint8Array;
}

/** Highest sender sequence number: 5 bytes (RFC 8613 §7.2.1). */
export const maxSequence = 2 ** 40 - 1;

const flag = { partialIvLength: 0x07, kid: 0x08, kidContext: 0x10, reserved: 0xe0 } as const;

/**
 *    0 1 2 3 4 5 6 7
 *   │0 0 0│h│k│  n  │ Partial IV: n bytes │ s:1 kid context: s bytes, if h │ kid: the rest, if k
 */
export function encodeOscoreOption({ partialIv = noBytes, kidContext, kid }: OscoreOption): Uint8Array {
  const flags = partialIv.length | (kid ? flag.kid : 0) | (kidContext ? flag.kidContext : 0);
  // A value of zero is written as no value (RFC 8613 §2).
  if (flags === 0) return noBytes;
  const context = kidContext ? [Uint8Array.of(kidContext.length), kidContext] : [];
  return Buffer.concat([Uint8Array.of(flags), partialIv, ...context, kid ?? noBytes]);
}

/** @returns undefined if the value is malformed or uses reserved bits */
export function decodeOscoreOption(value: Uint8Array): OscoreOption | undefined {
  if (value.length === 0) return {};
  const flags = value[0] as number;
  const length = flags & flag.partialIvLength;
  if (flags === 0 || flags & flag.reserved || length > 5) return undefined;
  let at = 1 + length;
  const partialIv = value.subarray(1, at);
  if (partialIv.length < length || (length > 1 && partialIv[0] === 0)) return undefined;
  let kidContext: Uint8Array | undefined;
  if (flags & flag.kidContext) {
    const contextLength = value[at++];
    if (contextLength === undefined || at + contextLength > value.length) return undefined;
    kidContext = value.subarray(at, (at += contextLength));
  }
  const kid = value.subarray(at);
  if (!(flags & flag.kid) && kid.length > 0) return undefined;
  return {
    ...(length > 0 ? { partialIv } : {}),
    ...(kidContext ? { kidContext } : {}),
    ...(flags & flag.kid ? { kid } : {}),
  };
}

/** The shortest big-endian form; 0 is one byte (RFC 8613 §5). */
export function encodePartialIv(sequence: number): Uint8Array {
  const bytes = new Uint8Array(5);
  let rest = sequence;
  let at = 5;
  do {
    bytes[--at] = rest % 256;
    rest = Math.floor(rest / 256);
  } while (rest > 0);
  return bytes.subarray(at);
}

export function partialIvValue(partialIv: Uint8Array): number {
  return partialIv.reduce((value, byte) => value * 256 + byte, 0);
}
