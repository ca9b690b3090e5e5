import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { downlinkTopic, parseTopic } from "@motelet/profiles";
import { Aedes } from "aedes";
import { Fleet, MqttLink, seededRandom } from "../src/index.ts";
import { FakeGateway } from "./fake-gateway.ts";
import { until } from "./until.ts";

test("a fleet joins within seconds, each device by its own name, and leaves with goodbyes", async (t) => {
  const broker = await Aedes.createBroker({ concurrency: 0 });
  const gateways = new Map<string, FakeGateway>();
  const gatewayOf = (wireId: string) => {
    const known = gateways.get(wireId);
    if (known) return known;
    const topic = downlinkTopic(wireId);
    const made = new FakeGateway((message) =>
      broker.publish(
        { cmd: "publish", qos: 0, dup: false, retain: false, topic, payload: Buffer.from(message) },
        () => {},
      ),
    );
    gateways.set(wireId, made);
    return made;
  };
  broker.on("publish", (packet, client) => {
    const topic = client && parseTopic(packet.topic);
    if (topic?.direction === "up") gatewayOf(topic.wireId).receive(packet.payload as Buffer);
  });
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    broker.handle(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
    broker.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("expected an address");
  const url = `mqtt://127.0.0.1:${address.port}`;
  const fleet = new Fleet(
    Array.from({ length: 50 }, (_, index) => ({
      name: `mote${index}`,
      seed: index,
      link: new MqttLink({
        url,
        wireId: `mote${index}`,
        generation: 1,
        password: "x",
        compact: true,
        random: seededRandom(index),
      }),
    })),
  );
  await fleet.start();
  await until("all are online", () => fleet.online === 50, 10_000);
  await until("all said their boot", () => [...gateways.values()].every(({ lines }) => lines.length === 1));
  const boots = new Set(fleet.devices.map(({ boot }) => boot));
  assert.equal(boots.size, 50);
  const summary = fleet.summary();
  assert.deepEqual([summary.devices, summary.online, summary.reconnects], [50, 50, 0]);
  // hello, beat and the report of the boot at the least; welcome and ack
  assert.ok(summary.messagesOut >= 150 && summary.messagesIn >= 100, JSON.stringify(summary));
  assert.ok(summary.bytesOut > 20 * summary.messagesOut && summary.bytesIn > summary.messagesIn);
  await fleet.stop();
  await until("goodbyes", () =>
    [...gateways.values()].every(({ received }) => received.at(-1)?.kind === "bye"),
  );
});
