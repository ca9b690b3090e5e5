import assert from "node:assert/strict";
import { test } from "node:test";
import { ReferenceDevice } from "@motelet/reference";
import { until } from "@motelet/testing";
import type { Gateway } from "../../src/gateway.ts";
import { decodeDatagram } from "../../src/transport/coap/message/codec.ts";
import { Option, optionValue } from "../../src/transport/coap/message/options.ts";
import { decodeOscoreOption } from "../../src/transport/coap/oscore/oscore-option.ts";
import { GatewayBed, type TestIdentity } from "../coap/gateway-bed.ts";
import { OscoreDeviceLink } from "./oscore-device-link.ts";

/* Whole gateways that take OSCORE only: coap.insecure is off. */

interface StartOptions {
  readonly key?: Uint8Array;
  readonly sequence?: number;
}

/** A reference device that comes by CoAP with OSCORE. */
async function startDevice(
  stack: AsyncDisposableStack,
  gateway: Gateway,
  { wireId, generation, password }: TestIdentity,
  { key = Buffer.from(password), ...rest }: StartOptions = {},
) {
  const port = gateway.ports.carriers.coap ?? 0;
  const link = new OscoreDeviceLink({
    host: "127.0.0.1",
    port,
    identity: { wireId, generation },
    key,
    ...rest,
  });
  const device = new ReferenceDevice({ link, name: "lamp", seed: 1 });
  await device.start();
  stack.defer(() => device.stop());
  return { link, device, port };
}

async function startBed() {
  const stack = new AsyncDisposableStack();
  const bed = stack.use(await GatewayBed.start());
  bed.addDevice("lamp");
  const gateway = await bed.startGateway();
  const identity = await bed.identityOf("lamp");
  return { bed, gateway, identity, stack, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Sequence numbers of the gateway under which two different ciphertexts were sent. */
function repeatedNumbers(datagrams: readonly Uint8Array[]): readonly string[] {
  const ciphertexts = new Map<string, string>();
  const repeated: string[] = [];
  for (const bytes of datagrams) {
    const decoded = decodeDatagram(Uint8Array.from(bytes), 65_535);
    const option = "message" in decoded && optionValue(decoded.message.options, Option.oscore);
    const partialIv = option ? decodeOscoreOption(option)?.partialIv : undefined;
    if (!partialIv || !("message" in decoded)) continue;
    const [number, ciphertext] = [String(partialIv), String(decoded.message.payload)];
    if ((ciphertexts.get(number) ?? ciphertext) !== ciphertext) repeated.push(number);
    ciphertexts.set(number, ciphertext);
  }
  assert.ok(ciphertexts.size > 0);
  return repeated;
}

const refused = 'motelet_coap_refused_total{reason="';

test("a device with the key of its Secret becomes a Ready Node over OSCORE and answers exec, and plain CoAP is refused", async () => {
  await using all = await startBed();
  const { bed, gateway, identity, stack } = all;
  const { link } = await startDevice(stack, gateway, identity);
  await until("the Node to be Ready", () => bed.isReady("lamp"));
  assert.ok(link.challenges >= 1, "a gateway that has just started asks for an Echo");
  assert.equal(await bed.exec(gateway, "lamp", "echo", "hello over oscore"), "hello over oscore\n");
  const record = bed.server.all("/apis/motelet.dev/v1alpha1/oscoresequences");
  assert.equal(record.length, 1);
  // The profile's words, the wire id and the output are nowhere in clear.
  for (const bytes of [...link.datagrams, ...link.received]) {
    const text = Buffer.from(bytes).toString("latin1");
    for (const word of ["hello over", identity.wireId, identity.password, "lamp"])
      assert.ok(!text.includes(word), `${word} in ${Buffer.from(bytes).toString("hex")}`);
  }
  link.replay(Buffer.from("40010001b4696e666f", "hex"));
  await until(
    "the plain request is refused",
    async () => (await bed.metric(gateway, `${refused}insecure`)) > 0,
  );
});

test("a device with a wrong key is refused, which a counter and an Event of its Device say", async () => {
  await using all = await startBed();
  const { bed, gateway, identity, stack } = all;
  const { link } = await startDevice(stack, gateway, identity, {
    key: Buffer.from("not the key of the lamp"),
  });
  await until("the counter", async () => (await bed.metric(gateway, `${refused}wrong-key`)) > 0);
  await until("the Event", () => bed.events("lamp").some((message) => message.includes("wrong-key")));
  await until("an unprotected response", () => link.unprotected > 0);
  assert.equal(link.welcomes, 0);
  assert.equal(await bed.metric(gateway, "motelet_coap_channels"), 0);
  assert.equal(
    bed.server.all("/apis/motelet.dev/v1alpha1/oscoresequences").length,
    0,
    "no number was reserved",
  );
});

test("a device with a wrong key is told from a replay after the right one has come, too", async () => {
  await using all = await startBed();
  const { bed, gateway, identity, stack } = all;
  await startDevice(stack, gateway, identity, { sequence: 1_000 });
  await until("the Node to be Ready", () => bed.isReady("lamp"));
  await startDevice(stack, gateway, identity, { key: Buffer.from("not the key of the lamp") });
  await until("the Event", () => bed.events("lamp").some((message) => message.includes("wrong-key")));
  assert.equal(await bed.exec(gateway, "lamp", "echo", "still here"), "still here\n");
});

test("a restarted gateway asks for an Echo, and the session and its commands go on; recorded datagrams do nothing", async () => {
  await using all = await startBed();
  const { bed, identity, stack } = all;
  const port = String(all.gateway.ports.carriers.coap ?? 0);
  const { link, device } = await startDevice(stack, all.gateway, identity);
  await until("the Node to be Ready", () => bed.isReady("lamp"));
  assert.equal(await bed.exec(all.gateway, "lamp", "echo", "before"), "before\n");
  const recorded = [...link.datagrams];
  await all.gateway[Symbol.asyncDispose]();
  const gateway = await bed.startGateway({ "coap.port": port });
  // They come first: none of them may open anything.
  const welcomes = link.welcomes;
  for (const bytes of recorded) link.replay(bytes);
  await until("the device greets again", () => link.welcomes > welcomes);
  assert.ok(link.challenges >= 2, `${link.challenges} challenges`);
  assert.equal(await bed.exec(gateway, "lamp", "echo", "after"), "after\n");
  assert.ok(bed.isReady("lamp"));

  // And again, with everything that was said since, from the address that the device has next.
  const spoken = [...new Map(link.datagrams.map((bytes) => [String(bytes), bytes])).values()];
  const handled = () => bed.metric(gateway, 'motelet_coap_responses_total{code="2.');
  const replayed = () => bed.metric(gateway, `${refused}replayed`);
  await link.roam();
  const [before, refusedBefore] = [await handled(), await replayed()];
  for (const bytes of spoken) link.replay(bytes);
  await until("all are refused", async () => (await replayed()) - refusedBefore >= spoken.length);
  assert.ok((await handled()) - before <= 1, "at most a beat was handled");
  device.log("from a new address");
  assert.equal(await bed.exec(gateway, "lamp", "echo", "moved"), "moved\n");
  assert.equal(await bed.metric(gateway, "motelet_coap_channels"), 1);
  assert.deepEqual(repeatedNumbers(link.received), []);
});

test("gateways that lose their store, or find the API server away, repeat no number, and the session goes on", async () => {
  await using all = await startBed();
  const { bed, identity, stack } = all;
  const { link } = await startDevice(stack, all.gateway, identity);
  await until("the Node to be Ready", () => bed.isReady("lamp"));
  const flags = { "coap.port": String(all.gateway.ports.carriers.coap) };
  let { gateway } = all;
  for (const [life, isLost] of [true, false].entries()) {
    await gateway[Symbol.asyncDispose]();
    if (isLost) await bed.loseStore();
    bed.server.fault = ({ url = "" }) =>
      !isLost && url.includes("oscoresequences") ? { status: 500 } : undefined;
    const welcomes = link.welcomes;
    gateway = await bed.startGateway(flags);
    await until("the device greets again", () => link.welcomes > welcomes, 30_000);
    bed.server.fault = undefined;
    assert.equal(await bed.exec(gateway, "lamp", "echo", `life ${life}`), `life ${life}\n`);
  }
  assert.deepEqual(repeatedNumbers(link.received), []);
});
