import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { downlinkTopic, uplinkTopic } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import { Aedes } from "aedes";
import { type FaultRates, FaultyLink, MqttLink, ReferenceDevice, startMqttDevice } from "../src/index.ts";
import { identity, testNetworkDevice } from "./network-device.ts";

/** A broker on loopback with a gateway behind it; `drop` ends all connections, as a restart does. */
async function brokerWith(gateway: SimulatedGateway, port = 0, password = "secret") {
  const broker = await Aedes.createBroker({ concurrency: 0 });
  broker.authenticate = (_client, user, given, done) => {
    done(null, user === "lamp.3" && given?.toString() === password);
  };
  broker.on("publish", (packet, client) => {
    if (client && packet.topic === uplinkTopic("lamp")) gateway.receive(packet.payload as Buffer);
  });
  const send = (payload: Uint8Array) =>
    broker.publish(
      {
        cmd: "publish",
        qos: 0,
        dup: false,
        retain: false,
        topic: downlinkTopic("lamp"),
        payload: Buffer.from(payload),
      },
      () => {},
    );
  gateway.attach(send);
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    broker.handle(socket);
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  return {
    port: address.port,
    /** Ends all connections; the next ones are accepted. */
    cut() {
      for (const socket of sockets) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await new Promise<void>((resolve) => broker.close(() => resolve()));
    },
  };
}

for (const compact of [false, true])
  testNetworkDevice({
    name: `MQTT with ${compact ? "mqtt-packet" : "npm mqtt"}`,
    serve: brokerWith,
    start: (port, options) =>
      startMqttDevice({ url: `mqtt://127.0.0.1:${port}`, ...identity, compact, ...options }),
    refusal: /not authorized/i,
  });

suite("a faulty device over MQTT", () => {
  const faultyDevice = async (t: TestContext, port: number, rates: FaultRates) => {
    const link = new MqttLink({ url: `mqtt://127.0.0.1:${port}`, ...identity, compact: true });
    const faulty = new FaultyLink(link, rates, 11);
    const device = new ReferenceDevice({ link: faulty, seed: 1 });
    await device.start();
    t.after(() => device.stop());
    return { device, faulty };
  };

  test("that loses, doubles and delays messages returns 20 kB through cat unchanged", async (t) => {
    const gateway = new SimulatedGateway();
    await using broker = await brokerWith(gateway);
    const rates = { drop: 0.05, duplicate: 0.1, delay: 0.1, delayMs: 50 };
    const { device, faulty } = await faultyDevice(t, broker.port, rates);
    await until("online", () => device.state === "online", 20_000);
    const stdin = randomBytes(20_000);
    const { stdout } = await gateway.exec(["cat"], stdin);
    assert.ok(stdout.equals(stdin));
    const { drop, duplicate, delay } = faulty.counts;
    assert.ok(drop && duplicate && delay, JSON.stringify(faulty.counts));
  });

  test("that is reset comes back by itself", async (t) => {
    const gateway = new SimulatedGateway();
    await using broker = await brokerWith(gateway);
    const { device, faulty } = await faultyDevice(t, broker.port, {});
    await until("online", () => device.state === "online");
    faulty.reset();
    await until("offline", () => device.state === "offline");
    await until("online again", () => device.state === "online");
    assert.equal(faulty.traffic?.opens, 2);
  });

  test("that freezes says nothing on a connection that stays open, and goes on afterwards", async (t) => {
    const gateway = new SimulatedGateway({ heartbeatS: 1 });
    await using broker = await brokerWith(gateway);
    const { device, faulty } = await faultyDevice(t, broker.port, {});
    await until("online", () => device.state === "online");
    await until("stored", () => device.waitingReports === 0);
    faulty.freeze(2_500);
    const before = gateway.received.length;
    await until("thawed", () => !faulty.frozen);
    assert.deepEqual([gateway.received.length, faulty.traffic?.opens], [before, 1]);
    await until("heard again", () => gateway.received.length > before);
  });
});
