import { encodeMessage, uplinkTopic } from "@motelet/profiles";
import { generate } from "mqtt-packet";
import { type Figure, plainFigure } from "./figure.ts";

/** A wire id as the gateway makes it. */
const wireId = "a0b1c2d3e4f5";

/** What a beat with all sensors takes: the message, its PUBLISH, and with the PINGREQ and PINGRESP that go along. */
export function beatBytesFigures(): Figure[] {
  const message = encodeMessage({
    kind: "beat",
    uptimeS: 691_200,
    heapFree64: 900,
    rssiDbm: -61,
    batteryPercent: 80,
    temperatureC: 21,
    cpuPercent: 12,
  });
  const payload = Buffer.from(message);
  const publish = generate({
    cmd: "publish",
    topic: uplinkTopic(wireId),
    payload,
    qos: 0,
    dup: false,
    retain: false,
  });
  const pings = generate({ cmd: "pingreq" }).length + generate({ cmd: "pingresp" }).length;
  const sizes = [
    ["bytes of a beat, encoded", message.length],
    ["bytes of a beat in MQTT, one way", publish.length],
    ["bytes of a beat in MQTT with its ping, both ways", publish.length + pings],
  ] as const;
  return sizes.map(([name, value]) => plainFigure({ name, value, unit: "B" }));
}
