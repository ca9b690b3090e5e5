import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { test } from "node:test";
import { MqttLink } from "./mqtt-client.ts";

test("a gateway that accepts and does not answer is waited for as long as a crowd takes, then given up", async (t) => {
  const server = createServer((socket) => void socket.on("error", () => {}).resume());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const closed: string[] = [];
  const identity = { wireId: "lamp", generation: 1, password: "secret" };
  const link = new MqttLink({ url: `mqtts://127.0.0.1:${port}`, ...identity, compact: true });
  const closedFor = (reason: string) => void closed.push(reason);
  await link.start({ opened() {}, message() {}, heard() {}, console() {}, closed: closedFor });
  const [socket] = (await once(server, "connection")) as [Socket];
  t.mock.timers.tick(29_999);
  assert.deepEqual(closed, []);
  t.mock.timers.tick(1);
  assert.deepEqual(closed, ["no SUBACK in time"]);
  t.mock.timers.reset();
  await link.stop();
  socket.destroy();
  server.close();
});
