import { test } from "node:test";
import { ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { CoapDeviceLink } from "./device-link.ts";
import { GatewayBed } from "./gateway-bed.ts";

test("a Device that lists coap becomes a Ready Node when its device greets with the credential of its Secret", async () => {
  await using bed = await GatewayBed.start();
  bed.addDevice("lamp");
  const gateway = await bed.startGateway({ "coap.insecure": "true" });
  const port = gateway.ports.carriers.coap ?? 0;
  const { wireId, generation, password } = await bed.identityOf("lamp");
  const link = new CoapDeviceLink({ host: "127.0.0.1", port, user: `${wireId}.${generation}`, password });
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1 });
  await device.start();
  try {
    await until("the Node to be Ready", () => bed.isReady("lamp"));
  } finally {
    await device.stop();
  }
});
