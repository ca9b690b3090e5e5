import { integer, port, setting, text, yesNo } from "../../foundation/setting.ts";

export const coapSettings = {
  "coap.enabled": setting(yesNo, false, "whether devices may connect over CoAP"),
  "coap.host": setting(text, "0.0.0.0", "address on which the CoAP listener receives; :: for IPv6 and IPv4"),
  "coap.port": setting(port, 5683, "UDP port of the CoAP listener; 0: any free one"),
  "coap.insecure": setting(
    yesNo,
    false,
    "whether the CoAP listener accepts plain CoAP: passwords and messages can be read and changed on the way",
  ),
  "coap.rtoMs": setting(integer(50, 60_000), 2000, "time until a message over CoAP is retransmitted"),
  "coap.maxDevices": setting(integer(1, 65_535), 16_384, "devices that may be connected over CoAP at a time"),
  "coap.maxStrangers": setting(
    integer(1, 1_000_000),
    4096,
    "addresses without a device that the CoAP listener remembers at a time",
  ),
} as const;
