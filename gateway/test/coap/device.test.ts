import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { key, spec, startBed, startDevice } from "./device-bed.ts";
import { UdpProxy } from "./udp-proxy.ts";

const noFaults = { loss: 0, duplicates: 0, jitterMs: 0, seed: 1 };

test("a device greets over plain CoAP, is online, and runs a command", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, metrics, port, isOnline, run } = await startBed(stack);
  const { link } = await startDevice(stack, port);
  await until("the device is online", isOnline);
  assert.equal(registry.get(key)?.link?.carrier, "coap");
  assert.equal(await metrics.valueOf("motelet_coap_channels"), 1);
  assert.equal(await run("echo", "hi"), "hi\n");
  assert.equal(await metrics.valueOf("motelet_coap_dropped_total"), 0);
  assert.ok((link.codes.get("2.04") ?? 0) > 0);
});

test("a device is online over IPv6", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, port, isOnline, run } = await startBed(stack, { host: "::" });
  await startDevice(stack, port, { host: "::1" });
  await until("the device is online", isOnline);
  assert.match(registry.get(key)?.link?.peer ?? "", /^\[::1\]:\d+$/);
  assert.equal(await run("echo", "hi"), "hi\n");
});

test("a device with a wrong password stays offline, and its Device says why", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, metrics, port } = await startBed(stack);
  await startDevice(stack, port, { password: "wrong" });
  const refused = () => metrics.valueOf("motelet_coap_refused_total", { reason: "wrong-password" });
  await until("it was refused twice", async () => (await refused()) >= 2);
  assert.notEqual(registry.get(key)?.phase, "Online");
  assert.equal(await metrics.valueOf("motelet_coap_channels"), 0);
  assert.equal(
    await metrics.valueOf("motelet_authentications_total", { verdict: "wrong-password" }),
    await refused(),
  );
});

test("a device whose Device does not list coap is refused", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, metrics, port } = await startBed(stack);
  registry.admit({ ...spec, links: [{ carrier: "mqtt" }] });
  await startDevice(stack, port);
  const refused = () => metrics.valueOf("motelet_hellos_refused_total", { reason: "link-not-listed" });
  await until("its hello was refused", async () => (await refused()) >= 1);
  assert.notEqual(registry.get(key)?.phase, "Online");
});

test("a device behind a NAT that forgot its binding greets again, and its session goes on", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, port, isOnline, run } = await startBed(stack);
  const proxy = stack.use(new UdpProxy(port, noFaults));
  const { device } = await startDevice(stack, await proxy.start());
  await until("the device is online", isOnline);
  assert.equal(await run("echo", "before"), "before\n");
  const before = registry.get(key)?.link?.peer;
  proxy.rebind();
  device.log("from a new address");
  await until("it is at another address", () => registry.get(key)?.link?.peer !== before && isOnline());
  assert.equal(await run("echo", "after"), "after\n");
});

test("a device greets again when the gateway has restarted", async () => {
  await using stack = new AsyncDisposableStack();
  const { registry, port, transport, startTransport, isOnline, run } = await startBed(stack);
  const { link } = await startDevice(stack, port);
  await until("the device is online", isOnline);
  await transport[Symbol.asyncDispose]();
  await startTransport(port);
  await until("a second hello is welcomed", () => link.welcomes === 2 && isOnline());
  assert.equal(registry.get(key)?.link?.carrier, "coap");
  assert.equal(await run("echo", "hi"), "hi\n");
});
