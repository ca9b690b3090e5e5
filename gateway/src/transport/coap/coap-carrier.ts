import type { Carrier } from "../carrier.ts";
import { defaultCoapLimits } from "./coap-limits.ts";
import { coapSettings } from "./coap-settings.ts";

/** CoAP over UDP (SPEC §10.3): devices send to one port of the gateway and prove their identity. */
export const coapCarrier: Carrier<typeof coapSettings, Record<never, never>> = {
  name: "coap",
  settings: coapSettings,
  link: { fields: {}, rules: [] },
  hasConsole: false,
  async open(config, context) {
    if (!config["coap.enabled"]) return undefined;
    const [{ CoapTransport }, { OscoreProtection }, { insecureProtection }] = await Promise.all([
      import("./coap-transport.ts"),
      import("./oscore-protection.ts"),
      import("./insecure-protection.ts"),
    ]);
    return new CoapTransport({
      ...context,
      protection: new OscoreProtection({ ...context, plain: insecureProtection(config["coap.insecure"]) }),
      host: config["coap.host"],
      port: config["coap.port"],
      insecure: config["coap.insecure"],
      rtoMs: config["coap.rtoMs"],
      limits: {
        channels: config["coap.maxDevices"],
        observers: config["coap.maxDevices"] + defaultCoapLimits.timeObservers,
        strangers: config["coap.maxStrangers"],
      },
    });
  },
};
