/** One CoAP option: its number and its value. */
export type CoapOption = readonly [number: number, value: Uint8Array];

/**
 * What OSCORE protects of a CoAP message. Type, message id and token belong to the message layer and stay as they are.
 * Options are in ascending order of their numbers, as they are on the wire.
 */
export interface CoapMessage {
  /** The code byte: class in the upper 3 bits, detail in the lower 5 (0x45 is 2.05). */
  readonly code: number;
  readonly options: readonly CoapOption[];
  readonly payload: Uint8Array;
}

/** Codes that OSCORE itself uses (RFC 7252 §12.1, RFC 8132). */
export const coapCode = {
  post: 0x02,
  fetch: 0x05,
  changed: 0x44,
  content: 0x45,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
} as const;

/** Numbers of the options that OSCORE treats in a way of their own (RFC 8613 §4.1, RFC 9175). */
export const coapOption = {
  uriHost: 3,
  observe: 6,
  uriPort: 7,
  oscore: 9,
  hopLimit: 16,
  proxyUri: 35,
  proxyScheme: 39,
  echo: 252,
} as const;

/** A request has class 0; the empty message 0.00 is none. */
export function isRequest({ code }: CoapMessage): boolean {
  return code > 0 && code < 0x20;
}

/** The value of an option, of the first one if it is repeated. */
export function optionOf(message: CoapMessage, number: number): Uint8Array | undefined {
  return message.options.find(([candidate]) => candidate === number)?.[1];
}

export const noBytes = new Uint8Array(0);
