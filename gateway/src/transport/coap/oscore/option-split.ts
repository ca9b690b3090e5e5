import { RequestError } from "../../../foundation/errors.ts";
import { type CoapMessage, type CoapOption, coapOption, noBytes } from "./coap-message.ts";

/**
 * Options that a proxy needs, sent in the clear: Class U only (RFC 8613 §4.1, Hop-Limit: RFC 8768). All others, unknown ones
 * too, are encrypted. Block, Size, Max-Age, Echo, Request-Tag and No-Response could be both; the profile has them inside.
 */
const outerOnly: ReadonlySet<number> = new Set([
  coapOption.uriHost,
  coapOption.uriPort,
  coapOption.oscore,
  coapOption.hopLimit,
  coapOption.proxyScheme,
]);

export interface SplitOptions {
  readonly inner: readonly CoapOption[];
  readonly outer: readonly CoapOption[];
}

/**
 * Divides the options of a message into encrypted and visible ones. Observe is both: a notification has it empty inside, because
 * its order is that of the Partial IVs (RFC 8613 §4.1.3.5.2).
 * @throws RequestError OSCORE_OPTION for Proxy-Uri, which would show the path, and for a message that has an OSCORE option
 */
export function splitOptions({ options }: CoapMessage, kind: "request" | "response"): SplitOptions {
  const inner: CoapOption[] = [];
  const outer: CoapOption[] = [];
  for (const option of options) {
    const [number, value] = option;
    if (number === coapOption.proxyUri || number === coapOption.oscore)
      throw new RequestError("OSCORE_OPTION", `a message with option ${number} cannot be protected`);
    if (number === coapOption.observe) {
      inner.push(kind === "request" ? option : [number, noBytes]);
      outer.push([number, value]);
    } else if (outerOnly.has(number)) outer.push(option);
    else inner.push(option);
  }
  return { inner, outer };
}

/** The visible options with the OSCORE option in its place. */
export function withOscoreOption(outer: readonly CoapOption[], value: Uint8Array): readonly CoapOption[] {
  const after = outer.findIndex(([number]) => number > coapOption.oscore);
  return outer.toSpliced(after < 0 ? outer.length : after, 0, [coapOption.oscore, value]);
}

/**
 * The options of a decrypted message: all inner ones, and of the visible ones only those that a proxy may set. The outer Observe
 * is dropped: a proxy cannot make or end a registration (RFC 8613 §4.1.3.5.1).
 */
export function mergeOptions(
  outer: readonly CoapOption[],
  inner: readonly CoapOption[],
): readonly CoapOption[] {
  const kept = outer.filter(([number]) => number !== coapOption.oscore && outerOnly.has(number));
  if (kept.length === 0) return inner;
  // Stable: repeated options keep their order.
  return [...kept, ...inner].sort(([a], [b]) => a - b);
}
