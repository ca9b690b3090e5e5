import { coapCode } from "./coap-message.ts";

/**
 * Why a protected message is not accepted. Such messages are expected on a network: they are counted, never thrown. `reply` is
 * what RFC 8613 §8.2 lets a server answer, without protection.
 */
export const oscoreFaults = {
  "not-protected": { code: coapCode.unauthorized, diagnostic: "OSCORE required" },
  malformed: { code: coapCode.badOption, diagnostic: "Failed to decode COSE" },
  "unknown-context": { code: coapCode.unauthorized, diagnostic: "Security context not found" },
  replayed: { code: coapCode.unauthorized, diagnostic: "Replay detected" },
  undecryptable: { code: coapCode.badRequest, diagnostic: "Decryption failed" },
} as const;

export type OscoreFault = keyof typeof oscoreFaults;

export type Unprotected<T> =
  | ({ readonly ok: true } & T)
  | { readonly ok: false; readonly fault: OscoreFault };

export function refuse(fault: OscoreFault): { readonly ok: false; readonly fault: OscoreFault } {
  return { ok: false, fault };
}
