/**
 * The gateway's layers that messages pass (listener, guard, broker, channel, session, facts) without a cluster: one process
 * that serves N devices called d0, d1 … whose password is `x`. Prints its port as JSON, and answers each line on stdin with
 * what it has counted until then.
 *
 *   node message-plane.ts <devices>
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { DevicePlane } from "../../../gateway/src/devices/device-plane.ts";
import { Registry } from "../../../gateway/src/devices/registry.ts";
import { systemClock } from "../../../gateway/src/foundation/clock.ts";
import { createLogger } from "../../../gateway/src/foundation/log.ts";
import { Metrics } from "../../../gateway/src/foundation/metrics.ts";
import { openStore } from "../../../gateway/src/store/store.ts";
import { MqttTransport } from "../../../gateway/src/transport/mqtt/mqtt-transport.ts";

const devices = Number(process.argv[2]);
const clock = systemClock;
const metrics = new Metrics();
const log = createLogger({ level: "error" });
const registry = new Registry(() => clock.wallMs());
const store = openStore({ path: ":memory:", metrics });
const plane = new DevicePlane({ registry, store, log, metrics, clock, heartbeatS: 10 });
plane.start();
for (let index = 0; index < devices; index++) {
  const name = `d${index}`;
  const identity = { wireId: name, generation: 1, password: "x" };
  registry.admit({ namespace: "default", name, uid: name, nodeName: name, identity, paused: false });
}
const { authenticator, acceptor } = plane;
const security = { kind: "plain", insecure: false } as const;
const listeners = [{ host: "127.0.0.1", port: 0, security }];
const mqtt = new MqttTransport({ authenticator, acceptor, log, metrics, clock, listeners });
const { port } = await mqtt.start();
process.stdout.write(`${JSON.stringify({ port })}\n`);

// An ordinary end, so that --cpu-prof writes what it has.
process.on("SIGTERM", () => process.exit(0));
for await (const question of createInterface({ input: process.stdin })) {
  const received = await metrics.valueOf("motelet_mqtt_received_total");
  const online = registry.list().filter(({ phase }) => phase === "Online").length;
  process.stdout.write(`${JSON.stringify({ question, received, online })}\n`);
}
process.exit(0);
