import type { Carrier } from "./carrier.ts";
import { coapCarrier } from "./coap/coap-carrier.ts";
import { mqttCarrier } from "./mqtt/mqtt-carrier.ts";
import { serialCarrier } from "./serial/serial-carrier.ts";

/** The carriers of this gateway, in the order in which their transports start. A new carrier is a line here. */
export const carriers = [mqttCarrier, coapCarrier, serialCarrier] as const satisfies readonly Carrier[];

type Intersection<U> = (U extends unknown ? (member: U) => void : never) extends (all: infer I) => void
  ? I
  : never;
type CarrierOf = (typeof carriers)[number];

/** The settings of all carriers. */
export const carrierSettings = Object.assign({}, ...carriers.map(({ settings }) => settings)) as Intersection<
  CarrierOf["settings"]
>;

/** The fields of all carriers for links of a Device. */
export const carrierLinkFields = Object.assign(
  {},
  ...carriers.map(({ link }) => link.fields),
) as Intersection<CarrierOf["link"]["fields"]>;

/** @returns undefined for a carrier that the protocol defines and this gateway does not have */
export function carrierNamed(name: string): Carrier | undefined {
  return carriers.find((carrier) => carrier.name === name);
}
