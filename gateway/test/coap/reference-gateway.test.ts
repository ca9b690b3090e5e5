import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { CoapLink, Fleet, ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import type { Gateway } from "../../src/gateway.ts";
import { GatewayBed } from "./gateway-bed.ts";

const rtoMs = 200;

/** A gateway that accepts plain CoAP; with a port, at that of the one before. */
const startGateway = (bed: GatewayBed, port = 0) =>
  bed.startGateway({ "coap.insecure": "true", "coap.rtoMs": `${rtoMs}`, "coap.port": `${port}` });

const coapPort = ({ ports }: Gateway) => ports.carriers.coap ?? 0;

const linkFor = async (bed: GatewayBed, gateway: Gateway, name: string) =>
  new CoapLink({ url: `coap://127.0.0.1:${coapPort(gateway)}`, ...(await bed.identityOf(name)), rtoMs });

/** A gateway with one device, whose name is lamp. */
async function startLamp(stack: AsyncDisposableStack) {
  const bed = stack.use(await GatewayBed.start());
  bed.addDevice("lamp");
  const gateway = await startGateway(bed);
  const link = await linkFor(bed, gateway, "lamp");
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1 });
  await device.start();
  stack.defer(() => device.stop());
  return { bed, gateway, device, link };
}

test("a reference device over CoAP becomes a Ready Node, and exec, cat of 100 kB and logs work through the kubelet", async (context) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway, device } = await startLamp(stack);
  await until("the Node to be Ready", () => bed.isReady("lamp"), 20_000);
  assert.equal(await bed.exec(gateway, "lamp", "echo", "hi", "there"), "hi there\n");
  const input = randomBytes(100_000);
  const startedMs = performance.now();
  assert.ok((await bed.run(gateway, "lamp", ["cat"], input)).equals(input));
  context.diagnostic(`100 kB both ways in ${Math.round(performance.now() - startedMs)} ms`);
  device.log("hello over CoAP");
  await until("the log is stored", () => device.waitingReports === 0);
  assert.ok((await bed.logs(gateway, "lamp")).includes("hello over CoAP"));
});

test("a device is back after the gateway's restart, and no report is lost or doubled", async (context) => {
  await using stack = new AsyncDisposableStack();
  const { bed, gateway, device, link } = await startLamp(stack);
  await until("the device is online", () => device.state === "online", 20_000);
  device.log("report 0");
  await gateway[Symbol.asyncDispose]();
  await until("the device notices", () => device.state !== "online", 20_000);
  for (let number = 1; number < 20; number++) device.log(`report ${number}`);
  const next = await startGateway(bed, coapPort(gateway));
  const startedMs = performance.now();
  await until("the device is online again", () => device.state === "online", 60_000);
  context.diagnostic(
    `back after ${Math.round(performance.now() - startedMs)} ms, ${link.traffic.opens} opens`,
  );
  await until("all reports are stored", () => device.waitingReports === 0, 30_000);
  const expected = Array.from({ length: 20 }, (_, number) => `report ${number}`);
  assert.deepEqual(
    (await bed.logs(next, "lamp")).filter((line) => line.startsWith("report ")),
    expected,
  );
  assert.equal(await bed.exec(next, "lamp", "echo", "again"), "again\n");
});

test("a fleet over CoAP comes online, each device as itself", async () => {
  await using stack = new AsyncDisposableStack();
  const names = Array.from({ length: 20 }, (_, number) => `lamp${number}`);
  const bed = stack.use(await GatewayBed.start());
  for (const name of names) bed.addDevice(name);
  const gateway = await startGateway(bed);
  const fleet = new Fleet(
    await Promise.all(names.map(async (name) => ({ name, link: await linkFor(bed, gateway, name) }))),
  );
  stack.defer(() => fleet.stop());
  await fleet.start();
  await until("all are online", () => fleet.online === names.length, 30_000);
  assert.equal(await bed.exec(gateway, "lamp7", "echo", "seven"), "seven\n");
  const { reconnects, messagesIn } = fleet.summary();
  assert.equal(reconnects, 0);
  assert.ok(messagesIn >= names.length);
});
