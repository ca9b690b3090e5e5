import { integer, port, setting, text, type ValuesOf, yesNo } from "../../foundation/setting.ts";
import type { MqttListenerOptions, MqttSecurity } from "./security.ts";

export const mqttSettings = {
  "mqtt.enabled": setting(yesNo, true, "whether devices may connect over plain MQTT, with a password"),
  "mqtt.host": setting(text, "127.0.0.1", "address on which the plain broker listens"),
  "mqtt.port": setting(port, 1883, "port of the plain broker; 0: any free one"),
  "mqtt.insecure": setting(
    yesNo,
    false,
    "allows plain MQTT on addresses other than loopback; passwords then cross the network unencrypted",
  ),
  "mqtt.tls.enabled": setting(
    yesNo,
    false,
    "whether devices may connect over MQTT in TLS, with a password or certificate",
  ),
  "mqtt.tls.host": setting(text, "0.0.0.0", "address on which the TLS broker listens"),
  "mqtt.tls.port": setting(port, 8883, "port of the TLS broker; 0: any free one"),
  "mqtt.tls.certFile": setting(text, "", "PEM certificate of the TLS broker; reloaded when it changes"),
  "mqtt.tls.keyFile": setting(text, "", "PEM key of that certificate"),
  "mqtt.tls.clientCaFile": setting(
    text,
    "",
    "PEM CA of device certificates; if set, devices authenticate by certificate instead of password",
  ),
  "mqtt.psk.enabled": setting(
    yesNo,
    false,
    "whether devices may connect over MQTT in TLS with a pre-shared key",
  ),
  "mqtt.psk.host": setting(text, "0.0.0.0", "address on which the PSK broker listens"),
  "mqtt.psk.port": setting(port, 8884, "port of the PSK broker; 0: any free one"),
  "mqtt.rtoMs": setting(
    integer(50, 60_000),
    2000,
    "time until an unacknowledged message over MQTT is retransmitted",
  ),
} as const;

/** The listeners in the configuration; the plain one is the first. */
export function listenersOf(config: ValuesOf<typeof mqttSettings>): MqttListenerOptions[] {
  const listener = (kind: "mqtt" | "mqtt.tls" | "mqtt.psk", security: MqttSecurity): MqttListenerOptions[] =>
    config[`${kind}.enabled`]
      ? [{ host: config[`${kind}.host`], port: config[`${kind}.port`], security }]
      : [];
  const clientCaFile = config["mqtt.tls.clientCaFile"];
  const files = { certFile: config["mqtt.tls.certFile"], keyFile: config["mqtt.tls.keyFile"] };
  return [
    ...listener("mqtt", { kind: "plain", insecure: config["mqtt.insecure"] }),
    ...listener("mqtt.tls", { kind: "tls", ...files, ...(clientCaFile === "" ? {} : { clientCaFile }) }),
    ...listener("mqtt.psk", { kind: "psk" }),
  ];
}
