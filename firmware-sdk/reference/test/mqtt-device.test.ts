import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { commands, downlinkTopic, Status, uplinkTopic } from "@motelet/profiles";
import { SimulatedGateway, until } from "@motelet/testing";
import { Aedes } from "aedes";
import { type FaultRates, FaultyLink, MqttLink, ReferenceDevice, startMqttDevice } from "../src/index.ts";

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

const identity = { wireId: "lamp", generation: 3, password: "secret" };

for (const compact of [false, true])
  suite(`a device over MQTT with ${compact ? "mqtt-packet" : "npm mqtt"}`, () => {
    const deviceOn = async (t: TestContext, port: number) => {
      const url = `mqtt://127.0.0.1:${port}`;
      const device = await startMqttDevice({ url, ...identity, compact, board: "test", seed: 1 });
      t.after(() => device.stop());
      return device;
    };

    test("joins after its subscription, beats, and has its log stored", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const device = await deviceOn(t, broker.port);
      device.log("hello world");
      await until("the log is stored", () => gateway.lines.includes("hello world"));
      assert.equal(device.state, "online");
      assert.equal(gateway.received[0]?.kind, "hello");
      const beat = gateway.received.find((message) => message.kind === "beat");
      assert.ok(beat?.kind === "beat" && beat.rssiDbm !== undefined && beat.temperatureC !== undefined);
    });

    test("runs commands with output, errors and exit codes", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const device = await deviceOn(t, broker.port);
      await until("online", () => device.state === "online");
      const echo = await gateway.exec(["echo", "hi", "there"]);
      assert.deepEqual([echo.stdout.toString(), echo.exitCode], ["hi there\n", 0]);
      assert.equal((await gateway.exec(["exit", "7"])).exitCode, 7);
      const unknown = await gateway.exec(["foo"], undefined, { withStderr: true });
      assert.deepEqual([unknown.stderr.toString(), unknown.exitCode], ["foo: not found\n", 127]);
      const info = await gateway.request(commands.info.op, []);
      assert.equal(info.status, Status.OK);
    });

    test("returns 1 MB through cat unchanged within seconds", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const device = await deviceOn(t, broker.port);
      await until("online", () => device.state === "online");
      const stdin = randomBytes(1_000_000);
      const startedMs = performance.now();
      const { stdout, exitCode } = await gateway.exec(["cat"], stdin);
      const tookMs = performance.now() - startedMs;
      assert.ok(stdout.equals(stdin));
      assert.equal(exitCode, 0);
      t.diagnostic(`1 MB both ways in ${Math.round(tookMs)} ms`);
      // One or two where the machine is idle.
      assert.ok(tookMs < 60_000);
    });

    test("is back soon after the gateway's return, in the same session, and loses no report", async (t) => {
      const gateway = new SimulatedGateway();
      let broker = await brokerWith(gateway);
      const { port } = broker;
      const device = await deviceOn(t, port);
      await until("online", () => device.state === "online");
      await broker[Symbol.asyncDispose]();
      await until("offline", () => device.state === "offline");
      device.log("said while the gateway was away");
      broker = await brokerWith(gateway, port);
      await using _broker = broker;
      const startedMs = performance.now();
      await until("online again", () => device.state === "online", 10_000);
      t.diagnostic(`back after ${Math.round(performance.now() - startedMs)} ms`);
      await until("stored", () => gateway.lines.includes("said while the gateway was away"));
      const hellos = gateway.received.filter((message) => message.kind === "hello");
      assert.equal(hellos.at(-1)?.sid, 1);
    });

    test("stays online on PINGRESPs alone", async (t) => {
      const gateway = new SimulatedGateway({ heartbeatS: 1 });
      await using broker = await brokerWith(gateway);
      const device = await deviceOn(t, broker.port);
      await until("online", () => device.state === "online");
      await until("stored", () => device.waitingReports === 0);
      gateway.mute();
      const beats = () => gateway.received.filter(({ kind }) => kind === "beat").length;
      await until("5 beats", () => beats() >= 6, 30_000);
      assert.equal(gateway.received.filter(({ kind }) => kind === "hello").length, 1);
    });

    test("reboots when told to: a new boot, and the answer first", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const device = await deviceOn(t, broker.port);
      await until("online", () => device.state === "online");
      const { boot } = device;
      const response = await gateway.request(commands.reboot.op, []);
      assert.equal(response.status, Status.OK);
      await until("a new boot", () => device.boot === boot + 1 && device.state === "online");
      const hello = gateway.received.findLast((message) => message.kind === "hello");
      assert.deepEqual([hello?.boot, hello?.sid, hello?.resetCause], [boot + 1, 0, 3]);
    });

    test("says why it is offline when its password is wrong, and goes on trying", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const reasons: string[] = [];
      const device = await startMqttDevice({
        url: `mqtt://127.0.0.1:${broker.port}`,
        ...identity,
        password: "wrong",
        compact,
        onState: (_state, reason) => reasons.push(reason),
      });
      t.after(() => device.stop());
      await until("refused", () => reasons.some((reason) => /not authorized/i.test(reason)));
      assert.equal(gateway.received.length, 0);
    });

    test("comes back ever more slowly when it is accepted and then cut, as by another board with its identity", async (t) => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const openedMs: number[] = [];
      const cutMs: number[] = [];
      const device = await startMqttDevice({
        url: `mqtt://127.0.0.1:${broker.port}`,
        ...identity,
        compact,
        random: () => 1,
        onState: (state) => {
          if (state !== "online") return;
          openedMs.push(performance.now());
          // Accepted, and then cut.
          setImmediate(() => {
            cutMs.push(performance.now());
            broker.cut();
          });
        },
      });
      t.after(() => device.stop());
      await until("five connections", () => openedMs.length === 5, 20_000);
      const waitsMs = cutMs.slice(0, 4).map((atMs, index) => (openedMs[index + 1] as number) - atMs);
      t.diagnostic(`waited ${waitsMs.map(Math.round).join(", ")} ms`);
      for (const [index, minMs] of [250, 500, 1_000, 2_000].entries())
        assert.ok((waitsMs[index] as number) > minMs - 5, `${waitsMs} ms`);
    });

    test("says goodbye when it is stopped", async () => {
      const gateway = new SimulatedGateway();
      await using broker = await brokerWith(gateway);
      const device = await startMqttDevice({
        url: `mqtt://127.0.0.1:${broker.port}`,
        ...identity,
        compact,
      });
      await until("online", () => device.state === "online");
      await device.stop();
      await until("bye", () => gateway.received.at(-1)?.kind === "bye");
    });
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
