import { integer, port, setting, text, yesNo } from "../../src/foundation/setting.ts";
import type { Carrier } from "../../src/transport/carrier.ts";
import { udp, udpLink } from "./udp-link.ts";

const settings = {
  "udp.enabled": setting(yesNo, false, "whether devices are reached over UDP"),
  "udp.host": setting(text, "127.0.0.1", "address from which the gateway sends datagrams"),
  "udp.port": setting(port, 0, "port from which the gateway sends datagrams; 0: any free one"),
  "udp.rtoMs": setting(integer(50, 60_000), 500, "time until an unacknowledged message is retransmitted"),
} as const;

/** One message in each datagram. A device is known by its address, so that this is for networks without attackers only. */
export const udpCarrier: Carrier<typeof settings, typeof udpLink.fields> = {
  name: udp,
  settings,
  link: udpLink,
  hasConsole: false,
  async open(config, context) {
    if (!config["udp.enabled"]) return undefined;
    const { UdpTransport } = await import("./udp-transport.ts");
    return new UdpTransport({
      ...context,
      host: config["udp.host"],
      port: config["udp.port"],
      rtoMs: config["udp.rtoMs"],
    });
  },
};
