import type { Carrier } from "../carrier.ts";
import { serialLink } from "./serial-link.ts";
import { serialSettings } from "./serial-settings.ts";

/** Serial lines (SPEC §10.2): the gateway opens the ports that Devices name; the board on a port is its device. */
export const serialCarrier: Carrier<typeof serialSettings, typeof serialLink.fields> = {
  name: "serial",
  settings: serialSettings,
  link: serialLink,
  hasConsole: true,
  async open(config, context) {
    const { SerialTransport } = await import("./serial-transport.ts");
    return new SerialTransport({
      ...context,
      rtoMs: config["serial.rtoMs"],
      ports: config["serial.ports"],
    });
  },
};
