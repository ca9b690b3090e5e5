import type { Counter, Gauge } from "prom-client";
import type { Metrics } from "../../foundation/metrics.ts";
import type { DatagramFault } from "./message/precheck.ts";

/** Why a datagram or a message was not sent, or something was not kept. */
export type CoapDrop =
  /** The address is not verified and would receive more than three times what came from it. */
  | "amplification"
  /** Too many messages wait for one peer. */
  | "queue-full"
  /** Too many bytes wait in the process. */
  | "send-queue-full"
  /** The operating system refused the datagram. */
  | "send-failed"
  /** All message ids of the peer were used within EXCHANGE_LIFETIME. */
  | "message-ids"
  /** A message came long after others that were sent after it; the session repeats it if it is needed. */
  | "stale"
  /** The message cannot be protected now. */
  | "unprotected"
  /** A request cannot be judged now; its retransmission may be. */
  | "postponed"
  /** A request that has no reply yet was forgotten for a newer one: its duplicates are new requests. */
  | "exchange-evicted"
  /** A peer without a device was forgotten for a newer one. */
  | "stranger-evicted";

/** What the CoAP transport counts besides its refusals. */
export class CoapMeters {
  readonly #received: Counter;
  readonly #malformed: Counter<"fault">;
  readonly #duplicates: Counter;
  readonly #retransmitted: Counter;
  readonly #timedOut: Counter;
  readonly #dropped: Counter<"reason">;
  readonly #responses: Counter<"code">;
  readonly #peers: Gauge<"kind">;
  readonly #channels: Gauge;

  constructor(metrics: Metrics) {
    this.#received = metrics.counter("motelet_coap_received_total", "Datagrams that came over CoAP");
    this.#malformed = metrics.counter("motelet_coap_malformed_total", "Datagrams that are no CoAP message", [
      "fault",
    ]);
    this.#duplicates = metrics.counter("motelet_coap_duplicates_total", "Requests that came again");
    this.#retransmitted = metrics.counter("motelet_coap_retransmitted_total", "Messages sent again");
    this.#timedOut = metrics.counter(
      "motelet_coap_timed_out_total",
      "Messages that were never acknowledged, after all retransmissions",
    );
    this.#dropped = metrics.counter("motelet_coap_dropped_total", "Messages that were dropped", ["reason"]);
    this.#responses = metrics.counter("motelet_coap_responses_total", "Responses to requests", ["code"]);
    this.#peers = metrics.gauge("motelet_coap_peers", "Peers that are remembered", ["kind"]);
    this.#channels = metrics.gauge("motelet_coap_channels", "Open channels to devices");
  }

  received(): void {
    this.#received.inc();
  }

  malformed(fault: DatagramFault): void {
    this.#malformed.inc({ fault });
  }

  duplicate(): void {
    this.#duplicates.inc();
  }

  retransmitted(): void {
    this.#retransmitted.inc();
  }

  timedOut(): void {
    this.#timedOut.inc();
  }

  dropped(reason: CoapDrop): void {
    this.#dropped.inc({ reason });
  }

  responded(code: string): void {
    this.#responses.inc({ code });
  }

  peers(strangers: number, observers: number): void {
    this.#peers.set({ kind: "stranger" }, strangers);
    this.#peers.set({ kind: "observer" }, observers);
  }

  channels(count: number): void {
    this.#channels.set(count);
  }
}
