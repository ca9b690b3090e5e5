/** Codes of CoAP as the byte on the wire: class in the upper three bits (RFC 7252 §12.1, RFC 7959, RFC 8132). */
export const Code = {
  empty: 0x00,
  get: 0x01,
  post: 0x02,
  put: 0x03,
  delete: 0x04,
  fetch: 0x05,
  changed: 0x44,
  content: 0x45,
  continue: 0x5f,
  badRequest: 0x80,
  unauthorized: 0x81,
  badOption: 0x82,
  forbidden: 0x83,
  notFound: 0x84,
  methodNotAllowed: 0x85,
  notAcceptable: 0x86,
  requestEntityIncomplete: 0x88,
  conflict: 0x89,
  requestEntityTooLarge: 0x8d,
  unsupportedContentFormat: 0x8f,
  internalServerError: 0xa0,
  serviceUnavailable: 0xa3,
  proxyingNotSupported: 0xa5,
} as const;

/** 0 request or empty, 2 success, 4 error of the client, 5 error of the server; 1, 6 and 7 are reserved. */
export function codeClass(code: number): number {
  return code >> 5;
}

export function isRequest(code: number): boolean {
  return code !== Code.empty && codeClass(code) === 0;
}

export function isResponse(code: number): boolean {
  return [2, 4, 5].includes(codeClass(code));
}

/** As people write it, and coap-packet: `2.05`. */
export function formatCode(code: number): string {
  return `${code >> 5}.${String(code & 0x1f).padStart(2, "0")}`;
}
