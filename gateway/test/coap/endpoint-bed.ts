import { Metrics } from "../../src/foundation/metrics.ts";
import { type CoapLimits, defaultCoapLimits } from "../../src/transport/coap/coap-limits.ts";
import { CoapMeters } from "../../src/transport/coap/coap-meters.ts";
import {
  type CoapMessage,
  decodeDatagram,
  encodeDatagram,
  type MessageContent,
} from "../../src/transport/coap/message/codec.ts";
import { Code } from "../../src/transport/coap/message/codes.ts";
import { Endpoint, type RequestHandler } from "../../src/transport/coap/message/endpoint.ts";
import { defaultParameters } from "../../src/transport/coap/message/parameters.ts";
import type { Peer, PeerAddress } from "../../src/transport/coap/message/peer.ts";
import { ManualClock } from "../fakes/manual-clock.ts";

export const alice: PeerAddress = { address: "192.0.2.7", port: 5683 };
export const bob: PeerAddress = { address: "2001:db8::1", port: 40_000 };

/** An endpoint without a socket: datagrams are function calls, and time is moved by the test. */
export class EndpointTestBed {
  readonly clock = new ManualClock();
  readonly metrics = new Metrics();
  readonly sent: { readonly to: PeerAddress; readonly message: CoapMessage; readonly bytes: Uint8Array }[] =
    [];
  /** Requests that reached the handler. */
  readonly handled: { readonly message: CoapMessage; readonly peer: Peer }[] = [];
  readonly failures: unknown[] = [];
  readonly endpoint: Endpoint;

  constructor(handle: RequestHandler, limits: Partial<CoapLimits> = {}) {
    this.endpoint = new Endpoint({
      limits: { ...defaultCoapLimits, ...limits },
      parameters: defaultParameters,
      clock: this.clock,
      meters: new CoapMeters(this.metrics),
      random: () => 0,
      send: (bytes, to) => {
        const decoded = decodeDatagram(bytes, 65_535);
        if ("fault" in decoded) throw new Error(`the endpoint sent a malformed datagram: ${decoded.fault}`);
        this.sent.push({ to: { address: to.address, port: to.port }, message: decoded.message, bytes });
        return true;
      },
      handle: (message, peer) => {
        this.handled.push({ message, peer });
        return handle(message, peer);
      },
      failed: (error) => void this.failures.push(error),
    });
  }

  /** Delivers a message; by default a confirmable GET from Alice. */
  receive(parts: Partial<CoapMessage> = {}, from: PeerAddress = alice): void {
    this.endpoint.receive(encodeDatagram(request(parts)), from);
  }

  /** What was sent since the last call: type, code, message id and token. */
  take(): CoapMessage[] {
    return this.sent.splice(0).map(({ message }) => message);
  }

  dropped(reason: string): Promise<number> {
    return this.metrics.valueOf("motelet_coap_dropped_total", { reason });
  }
}

const noBytes = new Uint8Array(0);

export function request(parts: Partial<CoapMessage> = {}): CoapMessage {
  return {
    type: "CON",
    code: Code.get,
    messageId: 1,
    token: Uint8Array.of(0xaa),
    options: [],
    payload: new Uint8Array(20),
    ...(parts.code === Code.empty ? { token: noBytes, payload: noBytes } : {}),
    ...parts,
  };
}

export const ok: MessageContent = { code: Code.content, options: [], payload: Uint8Array.of(7) };
