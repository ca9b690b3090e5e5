import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { test } from "node:test";
import { systemClock as clock } from "../../src/foundation/clock.ts";
import { createLogger } from "../../src/foundation/log.ts";
import { Metrics } from "../../src/foundation/metrics.ts";
import type { ValuesOf } from "../../src/foundation/setting.ts";
import type { CarrierContext } from "../../src/transport/carrier.ts";
import { carrierNamed } from "../../src/transport/carriers.ts";
import { coapCarrier } from "../../src/transport/coap/coap-carrier.ts";
import { defaultCoapLimits } from "../../src/transport/coap/coap-limits.ts";
import { CoapMeters } from "../../src/transport/coap/coap-meters.ts";
import { CoapSocket } from "../../src/transport/coap/coap-socket.ts";

const config: ValuesOf<typeof coapCarrier.settings> = {
  "coap.enabled": true,
  "coap.host": "127.0.0.1",
  "coap.port": 0,
  "coap.insecure": true,
  "coap.rtoMs": 2_000,
  "coap.maxDevices": 10,
  "coap.maxStrangers": 10,
};

const context = () =>
  ({
    acceptor: { opened: () => ({ message: () => {}, console: () => {}, closed: () => {} }) },
    authenticator: { onRevoked: () => () => {} },
    keys: { wireIds: () => [], onKeysChanged: () => () => {} },
    log: createLogger({ level: "silent" }),
    metrics: new Metrics(),
    clock,
  }) as unknown as CarrierContext;

test("the carrier is registered, and is off unless the configuration enables it", async () => {
  assert.equal(carrierNamed("coap"), coapCarrier);
  assert.equal(coapCarrier.settings["coap.enabled"].default, false);
  assert.equal(await coapCarrier.open({ ...config, "coap.enabled": false }, context()), undefined);
});

test("the transport is unhealthy until its socket is bound, and after it has stopped", async () => {
  const transport = await coapCarrier.open(config, context());
  assert.ok(transport);
  assert.equal(transport.unhealthyReason?.(), "the CoAP socket is not bound");
  const { port = 0 } = await transport.start();
  assert.ok(port > 0);
  assert.equal(transport.unhealthyReason?.(), undefined);
  await transport[Symbol.asyncDispose]();
  assert.equal(transport.unhealthyReason?.(), "the CoAP socket is not bound");
  await transport[Symbol.asyncDispose]();
});

test("a datagram as long as the limit of the send queue is sent, and one byte more is dropped and counted", async () => {
  const metrics = new Metrics();
  const limits = { ...defaultCoapLimits, sendQueueBytes: 100 };
  const meters = new CoapMeters(metrics);
  await using socket = new CoapSocket({ host: "127.0.0.1", port: 0, limits, meters, received: () => {} });
  const to = { address: "127.0.0.1", port: (await socket.start()).port };
  assert.equal(socket.send(new Uint8Array(100), to), true);
  assert.equal(socket.send(new Uint8Array(101), to), false);
  assert.equal(await metrics.valueOf("motelet_coap_dropped_total", { reason: "send-queue-full" }), 1);
});

test("a port that is in use is an error of the configuration, which names the settings", async () => {
  const other = createSocket("udp4").bind(0, "127.0.0.1");
  await once(other, "listening");
  const transport = await coapCarrier.open({ ...config, "coap.port": other.address().port }, context());
  await assert.rejects(async () => transport?.start(), {
    code: "COAP_BIND",
    message: /coap\.host and coap\.port/,
  });
  await transport?.[Symbol.asyncDispose]();
  other.close();
});
