import { CoapLink, type CoapLinkOptions } from "../carrier/coap-client.ts";
import { SerialLink } from "../carrier/line.ts";
import { MqttLink, type MqttLinkOptions } from "../carrier/mqtt-client.ts";
import { ReferenceDevice } from "./device.ts";
import type { DeviceOptions } from "./device-options.ts";

/** Powers on one device over MQTT; it connects, and reconnects, by itself. */
export async function startMqttDevice(
  options: MqttLinkOptions & Omit<DeviceOptions, "link">,
): Promise<ReferenceDevice> {
  const { url, wireId, generation, password, random, compact, tls, ...device } = options;
  const optional = {
    ...(random ? { random } : {}),
    ...(compact ? { compact } : {}),
    ...(tls ? { tls } : {}),
  };
  const link = new MqttLink({ url, wireId, generation, password, ...optional });
  const started = new ReferenceDevice({ name: wireId, ...device, link });
  await started.start();
  return started;
}

/**
 * Powers on one device over CoAP; it greets, and greets again, by itself.
 * @throws OptionError where the URL cannot be one
 */
export async function startCoapDevice(
  options: CoapLinkOptions & Omit<DeviceOptions, "link">,
): Promise<ReferenceDevice> {
  const { url, wireId, generation, password, protection, rtoMs, random, ...device } = options;
  const optional = {
    ...(protection ? { protection } : {}),
    ...(rtoMs === undefined ? {} : { rtoMs }),
    ...(random ? { random } : {}),
  };
  const link = new CoapLink({ url, wireId, generation, password, ...optional });
  const started = new ReferenceDevice({ name: wireId, ...device, link });
  await started.start();
  return started;
}

/**
 * Powers on one device behind a serial line.
 * @param options.address `unix:/path` or `pty:/path`
 * @throws OptionError, UnavailableError
 */
export async function startSerialDevice(
  options: { readonly address: string } & Omit<DeviceOptions, "link">,
): Promise<ReferenceDevice> {
  const { address, ...device } = options;
  const { maxMessageBytes } = device;
  const link = new SerialLink(address, maxMessageBytes === undefined ? {} : { maxMessageBytes });
  const started = new ReferenceDevice({ ...device, link });
  await started.start();
  return started;
}
