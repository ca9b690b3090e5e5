import { userName } from "@motelet/profiles";
import { CoapCode, type CoapContent, CoapOptionNumber, coapUint } from "./coap-message.ts";

/** A response or a notification after its protection was taken off. */
export interface OpenedResponse {
  readonly content: CoapContent;
  /** Number of a notification in the order in which the gateway sent them; undefined: there is no other response. */
  readonly sequence?: number | undefined;
}

/** A request as it goes out, and what opens the responses to it. */
export interface ProtectedRequest {
  readonly content: CoapContent;
  /** @returns undefined where the response is not authentic: it is ignored */
  open(response: CoapContent): OpenedResponse | undefined;
}

/**
 * How the messages of a device are protected: below the link, which says what to send and understands responses, and above tokens,
 * message ids, types and retransmissions, which are the same with and without protection.
 */
export interface CoapProtection {
  /** Sequence numbers are counted modulo 2 to this power: 24 for Observe, 40 for Partial IVs. */
  readonly sequenceBits: 24 | 40;
  /**
   * Called once for each message that goes out, in their order; a retransmission has the same bytes.
   * @returns undefined where the request cannot be protected now: it is lost, and the session repeats it
   */
  protect(request: CoapContent): ProtectedRequest | undefined;
}

/** A registration of the observation, not its end. */
const isHello = (request: CoapContent) =>
  request.code === CoapCode.fetch && coapUint(request, CoapOptionNumber.observe) === 0;

/** Plain CoAP (SPEC §10.3): the hello carries the credential, and nothing is protected. */
export function plainProtection(identity: {
  readonly wireId: string;
  readonly generation: number;
  readonly password: string;
}): CoapProtection {
  const user = userName(identity.wireId, identity.generation);
  const credential = [`u=${user}`, `p=${identity.password}`].map((text) => ({
    number: CoapOptionNumber.uriQuery,
    value: Buffer.from(text),
  }));
  return {
    sequenceBits: 24,
    protect: (request) => ({
      content: isHello(request) ? { ...request, options: [...request.options, ...credential] } : request,
      open: (content) => ({ content, sequence: coapUint(content, CoapOptionNumber.observe) }),
    }),
  };
}
