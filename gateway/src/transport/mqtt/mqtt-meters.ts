import type { Counter, Gauge } from "prom-client";
import type { Metrics } from "../../foundation/metrics.ts";

/** Counters of the MQTT transport in addition to its refusals. */
export class MqttMeters {
  readonly #connections: Gauge;
  readonly #pending: Gauge;
  readonly #waitingHandshakes: Gauge;
  readonly #reloads: Counter<"result">;
  readonly #received: Counter;
  readonly #dropped: Counter<"reason">;
  readonly #throttled: Counter;
  readonly #takenOver: Counter;

  constructor(metrics: Metrics) {
    this.#connections = metrics.gauge("motelet_mqtt_connections", "Open MQTT sockets, authenticated or not");
    this.#pending = metrics.gauge(
      "motelet_mqtt_pending_connections",
      "Open MQTT sockets whose device is not known yet",
    );
    this.#waitingHandshakes = metrics.gauge(
      "motelet_mqtt_waiting_handshakes",
      "Peers that have asked for a TLS handshake and wait for their turn",
    );
    this.#reloads = metrics.counter(
      "motelet_mqtt_certificate_reloads_total",
      "Changes of the listeners' certificate files",
      ["result"],
    );
    this.#takenOver = metrics.counter(
      "motelet_mqtt_taken_over_total",
      "Connections that a newer one of the same device has ended",
    );
    this.#received = metrics.counter("motelet_mqtt_received_total", "Messages that devices published");
    this.#dropped = metrics.counter("motelet_mqtt_dropped_total", "Messages that were dropped", ["reason"]);
    this.#throttled = metrics.counter(
      "motelet_mqtt_throttled_total",
      "How often a socket was paused because packets arrived too fast",
    );
  }

  takenOver(): void {
    this.#takenOver.inc();
  }

  connections(count: number, pending: number): void {
    this.#connections.set(count);
    this.#pending.set(pending);
  }

  waitingHandshakes(count: number): void {
    this.#waitingHandshakes.set(count);
  }

  reloaded(result: "used" | "failed"): void {
    this.#reloads.inc({ result });
  }

  received(): void {
    this.#received.inc();
  }

  dropped(reason: "downlink-full" | "early-uplink"): void {
    this.#dropped.inc({ reason });
  }

  throttled(): void {
    this.#throttled.inc();
  }
}
