import type { Counter, Gauge } from "prom-client";
import type { Metrics } from "../../foundation/metrics.ts";

/** What the MQTT transport counts beside its refusals. */
export class MqttMeters {
  readonly #connections: Gauge;
  readonly #received: Counter;
  readonly #dropped: Counter<"reason">;
  readonly #throttled: Counter;

  constructor(metrics: Metrics) {
    this.#connections = metrics.gauge("motelet_mqtt_connections", "Open MQTT sockets, authenticated or not");
    this.#received = metrics.counter("motelet_mqtt_received_total", "Messages that devices published");
    this.#dropped = metrics.counter("motelet_mqtt_dropped_total", "Messages that were dropped", ["reason"]);
    this.#throttled = metrics.counter(
      "motelet_mqtt_throttled_total",
      "Times a socket rested: packets too fast",
    );
  }

  connections(count: number): void {
    this.#connections.set(count);
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
