import type { Carrier } from "../carrier.ts";
import { listenersOf, mqttSettings } from "./mqtt-settings.ts";

/** MQTT 3.1.1 (SPEC §10.1): devices dial a broker in the gateway and prove their identity. */
export const mqttCarrier: Carrier<typeof mqttSettings, Record<never, never>> = {
  name: "mqtt",
  settings: mqttSettings,
  link: { fields: {}, rules: [] },
  hasConsole: false,
  async open(config, context) {
    const listeners = listenersOf(config);
    if (listeners.length === 0) return undefined;
    const { MqttTransport } = await import("./mqtt-transport.ts");
    return new MqttTransport({ ...context, listeners, rtoMs: config["mqtt.rtoMs"] });
  },
};
