import type { CarrierName } from "@motelet/profiles";
import { Type } from "typebox";
import { rules } from "../../src/foundation/validation-rules.ts";
import type { LinkForm } from "../../src/transport/carrier.ts";

/** A carrier of the protocol is in the list of profiles/src/bindings.ts, and needs no assertion. */
export const udp = "udp" as string as CarrierName;

const fields = {
  address: Type.Optional(
    Type.String({
      maxLength: 64,
      description: "UDP only: <IP address>:<port> at which the device listens.",
      ...rules({
        rule: "self.matches('^[0-9.]+:[0-9]{1,5}$')",
        message: "an address is <IPv4 address>:<port>",
      }),
    }),
  ),
};

/** A link that names the address of the device. */
export const udpLink: LinkForm<typeof fields> = {
  fields,
  rules: [
    {
      rule: "(self.carrier == 'udp') == has(self.address)",
      message: "a udp link names the device's address, others have none",
    },
  ],
  portOf: ({ address }) => String(address ?? ""),
};
