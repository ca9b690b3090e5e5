import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { CoapLink, Fleet, ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import { type Identity, WholeGateway } from "./whole-gateway.ts";

const linkFor = (gateway: WholeGateway, identity: Identity) =>
  new CoapLink({ url: `coap://127.0.0.1:${gateway.coapPort}`, ...identity, rtoMs: 200 });

async function startDevice(stack: AsyncDisposableStack, gateway: WholeGateway, name: string) {
  const link = linkFor(gateway, await gateway.identityOf(name));
  const device = new ReferenceDevice({ link, name, seed: 1 });
  await device.start();
  stack.defer(() => device.stop());
  return { device, link };
}

test("a reference device over CoAP becomes a Ready Node, and exec, cat of 100 kB and logs work through the kubelet", async (context) => {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await WholeGateway.start(["lamp"]));
  const { device } = await startDevice(stack, gateway, "lamp");
  await until("the Node to be Ready", () => gateway.isNodeReady("lamp"), 20_000);
  assert.equal(`${await gateway.exec("lamp", ["echo", "hi", "there"])}`, "hi there\n");
  const input = randomBytes(100_000);
  const startedMs = performance.now();
  assert.ok((await gateway.exec("lamp", ["cat"], input)).equals(input));
  context.diagnostic(`100 kB both ways in ${Math.round(performance.now() - startedMs)} ms`);
  device.log("hello over CoAP");
  await until("the log is stored", () => device.waitingReports === 0);
  assert.ok((await gateway.logs("lamp")).includes("hello over CoAP"));
});

test("a device is back after the gateway's restart, and no report is lost or doubled", async (context) => {
  await using stack = new AsyncDisposableStack();
  const gateway = stack.use(await WholeGateway.start(["lamp"]));
  const { device, link } = await startDevice(stack, gateway, "lamp");
  await until("the device is online", () => device.state === "online", 20_000);
  device.log("report 0");
  await gateway.end();
  await until("the device notices", () => device.state !== "online", 20_000);
  for (let number = 1; number < 20; number++) device.log(`report ${number}`);
  await gateway.restart();
  const startedMs = performance.now();
  await until("the device is online again", () => device.state === "online", 60_000);
  context.diagnostic(
    `back after ${Math.round(performance.now() - startedMs)} ms, ${link.traffic.opens} opens`,
  );
  await until("all reports are stored", () => device.waitingReports === 0, 30_000);
  const expected = Array.from({ length: 20 }, (_, number) => `report ${number}`);
  assert.deepEqual(
    (await gateway.logs("lamp")).filter((line) => line.startsWith("report ")),
    expected,
  );
  assert.equal(`${await gateway.exec("lamp", ["echo", "again"])}`, "again\n");
});

test("a fleet over CoAP comes online, each device as itself", async () => {
  await using stack = new AsyncDisposableStack();
  const names = Array.from({ length: 20 }, (_, number) => `lamp${number}`);
  const gateway = stack.use(await WholeGateway.start(names));
  const identities = await Promise.all(names.map((name) => gateway.identityOf(name)));
  const fleet = new Fleet(
    identities.map((identity, index) => ({ name: names[index] as string, link: linkFor(gateway, identity) })),
  );
  stack.defer(() => fleet.stop());
  await fleet.start();
  await until("all are online", () => fleet.online === names.length, 30_000);
  assert.equal(`${await gateway.exec("lamp7", ["echo", "seven"])}`, "seven\n");
  const { reconnects, messagesIn } = fleet.summary();
  assert.equal(reconnects, 0);
  assert.ok(messagesIn >= names.length);
});
