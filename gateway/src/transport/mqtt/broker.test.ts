import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { connectAsync } from "mqtt";
import { writeToStream } from "mqtt-packet";
import { systemClock } from "../../foundation/clock.ts";
import { Broker, type BrokerClient } from "./broker.ts";
import { defaultMqttLimits } from "./mqtt-limits.ts";
import { PacketGuard } from "./packet-guard.ts";

test("what a client publishes is heard by the gateway and by no other client, whatever that subscribes to", async () => {
  await using broker = new Broker(defaultMqttLimits);
  await broker.start();
  const heard: string[] = [];
  const permissive: BrokerClient = {
    connect: () => undefined,
    mayPublish: () => true,
    published: (payload) => void heard.push(Buffer.from(payload).toString()),
    maySubscribe: () => true,
    subscribed: () => {},
    unsubscribed: () => {},
    failed: () => {},
  };
  const server = createServer((socket) => {
    const events = { refused: () => {}, throttled: () => {} };
    const guard = new PacketGuard(socket, { limits: defaultMqttLimits, clock: systemClock, events });
    guard.admit();
    broker.handle(guard, permissive);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const options = { host: "127.0.0.1", port, reconnectPeriod: 0 };
  const listener = await connectAsync({ ...options, clientId: "listener" });
  const speaker = await connectAsync({ ...options, clientId: "speaker" });
  try {
    const received: string[] = [];
    listener.on("message", (topic) => void received.push(topic));
    await listener.subscribeAsync(["m/speaker/u", "#", "$SYS/#"]);
    await speaker.publishAsync("m/speaker/u", "beat");
    await until("the gateway has heard it", () => heard.includes("beat"));
    // The answer to this comes after anything that was forwarded before it.
    await listener.unsubscribeAsync("m/speaker/u");
    assert.deepEqual([heard, received], [["beat"], []]);
  } finally {
    await Promise.all([listener.endAsync(true), speaker.endAsync(true)]);
    server.close();
  }
});

test("aedes writes with the copy of mqtt-packet that keeps no table of numbers", () => {
  const ours = createRequire(import.meta.url);
  const theirs = createRequire(ours.resolve("aedes"));
  assert.equal(ours.resolve("mqtt-packet"), theirs.resolve("mqtt-packet"));
  assert.equal(writeToStream.cacheNumbers, false);
});
