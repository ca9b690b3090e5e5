import { CoapLink, type DeviceOptions, ReferenceDevice } from "@motelet/reference";

/** A reference device over its own CoAP client, whose gateway is at this port of 127.0.0.1. */
export async function startReference(
  stack: AsyncDisposableStack,
  port: number,
  options: { wireId?: string; password?: string; rtoMs?: number } & Partial<DeviceOptions> = {},
) {
  const { wireId = "lamp01", password = "secret-lamp01", rtoMs = 200, ...board } = options;
  const url = `coap://127.0.0.1:${port}`;
  const link = new CoapLink({ url, wireId, generation: 1, password, rtoMs });
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1, ...board });
  await device.start();
  stack.defer(() => device.stop());
  return { link, device };
}
