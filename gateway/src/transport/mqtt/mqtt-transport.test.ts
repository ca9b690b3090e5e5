import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { systemClock } from "../../foundation/clock.ts";
import { ConfigError } from "../../foundation/errors.ts";
import { createLogger } from "../../foundation/log.ts";
import { Metrics } from "../../foundation/metrics.ts";
import type { Authenticator } from "../directory.ts";
import { MqttTestBed, next } from "./mqtt-test-bed.ts";
import { MqttTransport } from "./mqtt-transport.ts";

const nobody: Authenticator = {
  authenticate: () => ({ admitted: true }),
  admit: () => ({ admitted: true }),
  pskOf: () => undefined,
  refused: () => {},
  onRevoked: () => () => {},
};

test("a channel opens when a device has subscribed, and carries messages both ways unchanged", async () => {
  await using bed = await MqttTestBed.start();
  const { client, opened } = await bed.device("lamp");
  assert.deepEqual(opened.channel.identity, { kind: "wire-id", wireId: "lamp", generation: 1 });
  assert.equal(opened.channel.carrier, "mqtt");
  assert.equal(opened.channel.acksBeats, false);

  const sizes = [0, 1, 100, 118, 119, 120, 1_024];
  const received: Buffer[] = [];
  client.on("message", (topic, payload) => {
    assert.equal(topic, "m/lamp/d");
    received.push(payload);
  });
  for (const size of sizes) {
    const message = new Uint8Array(size).fill(size);
    await client.publishAsync("m/lamp/u", Buffer.from(message));
    assert.equal(opened.channel.send(message), true);
  }
  await until(
    "all has arrived",
    () => opened.messages.length === sizes.length && received.length === sizes.length,
  );
  assert.deepEqual(
    opened.messages.map((message) => message.length),
    sizes,
  );
  assert.deepEqual(
    received.map((message) => message.length),
    sizes,
  );
  assert.equal(
    opened.messages[6]?.every((byte) => byte === (1_024 & 0xff)),
    true,
  );
});

test("a device that has not subscribed has no channel, and what it says is dropped and counted", async () => {
  await using bed = await MqttTestBed.start();
  await bed.client("lamp").publishAsync("m/lamp/u", "hello");
  await until("it is counted", async () => {
    return (await bed.metrics.valueOf("motelet_mqtt_dropped_total", { reason: "early-uplink" })) === 1;
  });
  assert.equal(bed.channels.length, 0);
});

test("a channel closes once with its connection, whoever ends it", async () => {
  await using bed = await MqttTestBed.start();
  const { client, opened } = await bed.device("lamp");
  client.end(true);
  await until("the channel is closed", () => opened.closedFor !== undefined);
  assert.equal(opened.channel.send(Uint8Array.of(1)), false);

  const again = await bed.device("lamp");
  const gone = next(again.client, "close");
  again.client.on("message", (_topic, payload) => again.opened.messages.push(payload));
  again.opened.channel.send(Uint8Array.of(7));
  again.opened.channel.close("done");
  await gone;
  assert.equal(again.opened.closedFor, "done");
  assert.deepEqual(
    again.opened.messages.map((message) => [...message]),
    [[7]],
  );
});

test("a device that unsubscribes loses its channel and its connection", async () => {
  await using bed = await MqttTestBed.start();
  const { client, opened } = await bed.device("lamp");
  const gone = next(client, "close");
  client.unsubscribe("m/lamp/d");
  await gone;
  assert.equal(opened.closedFor, "unsubscribed");
});

test("a wrong password is refused with a log line and a counter, and harms nobody else", async () => {
  await using bed = await MqttTestBed.start();
  const { opened } = await bed.device("lamp");
  const wrong: [string, object, string, number][] = [
    ["lamp", { password: "guess" }, "wrong-password", 4],
    ["lamp", { username: "lamp.2" }, "wrong-generation", 4],
    ["nobody", {}, "unknown-id", 4],
    ["lamp", { clientId: "door" }, "client-id", 2],
    ["lamp", { username: "lamp" }, "user-name", 4],
    ["lamp", { clean: false }, "persistent-session", 5],
    ["lamp", { will: { topic: "m/lamp/u", payload: "gone" } }, "will", 5],
  ];
  for (const [wireId, options, reason, code] of wrong) {
    const error = await next(bed.client(wireId, options), "error");
    assert.equal((error as { code: number }).code, code, reason);
    assert.equal(await bed.refused(reason), 1, reason);
    assert.equal(bed.logLines(reason).length, 1, reason);
  }
  assert.equal(await bed.refused("protocol"), 0);
  assert.equal(bed.logLines("wrong-password")[0]?.level, "warn");
  assert.equal(opened.closedFor, undefined);
  assert.equal(bed.channels.length, 1);
});

test("only the right password takes over: then the old channel is closed", async () => {
  await using bed = await MqttTestBed.start();
  const first = await bed.device("lamp");
  const error = await next(bed.client("lamp", { password: "guess" }), "error");
  assert.match(String(error), /Bad username or password/i);
  assert.equal(first.opened.closedFor, undefined);

  const gone = next(first.client, "close");
  const second = await bed.device("lamp");
  await gone;
  assert.equal(first.opened.closedFor, "taken over");
  for (let round = 0; round < 5; round++) await bed.device("lamp");
  await until("all but the last are closed", () => bed.channels.filter((c) => !c.closedFor).length === 1);
  assert.equal(second.opened.closedFor, "taken over");
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_taken_over_total"), 6);
  assert.equal(bed.channels.at(-1)?.closedFor, undefined);
  await until(
    "their sockets are closed",
    async () => (await bed.metrics.valueOf("motelet_mqtt_connections")) === 1,
  );
});

test("one wire id is taken over so often at once; the next newcomer is refused, and the connection stays", async () => {
  const never = { takeOverRefillMs: 3_600_000, takeOverSilentMs: 3_600_000 };
  await using bed = await MqttTestBed.start({ takeOverBurst: 3, ...never });
  for (let round = 0; round < 4; round++) await bed.device("lamp");
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_taken_over_total"), 3);

  for (let round = 1; round <= 5; round++) {
    const error = await next(bed.client("lamp"), "error");
    assert.equal((error as { code: number }).code, 3);
    assert.equal(await bed.refused("take-over-limit"), round);
  }
  assert.equal(bed.logLines("take-over-limit")[0]?.wireId, "lamp");
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_taken_over_total"), 3);
  assert.deepEqual(
    bed.channels.map(({ closedFor }) => closedFor),
    ["taken over", "taken over", "taken over", undefined],
  );
  // It is a bound of each wire id.
  await bed.device("door");
  await bed.device("door");
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_taken_over_total"), 4);
});

test("a connection that says nothing any more is taken over all the same, as of a board that lost its power", async () => {
  const clock = new ManualClock();
  const takeOverSilentMs = 15_000;
  const limits = { takeOverBurst: 1, takeOverRefillMs: 3_600_000, takeOverSilentMs };
  await using bed = await MqttTestBed.start(limits, { kind: "plain" }, clock);
  const first = await bed.device("lamp");
  const second = await bed.device("lamp");
  assert.equal(first.opened.closedFor, "taken over");
  const comes = async () => {
    const client = bed.client("lamp");
    const connected = next(client, "connect").then(() => 0);
    return connected.catch((error: unknown) => (error as { code: number }).code);
  };
  for (let round = 1; round <= 5; round++) {
    await second.client.publishAsync("m/lamp/u", "beat");
    await until("it is heard", () => second.opened.messages.length === round);
    clock.advance(takeOverSilentMs - 1);
    assert.equal(await comes(), 3);
  }
  assert.equal(second.opened.closedFor, undefined);
  clock.advance(1);
  assert.equal(await comes(), 0);
  await until("the silent one is gone", () => second.opened.closedFor === "taken over");
});

test("a revoked device is disconnected, the others stay", async () => {
  await using bed = await MqttTestBed.start();
  const lamp = await bed.device("lamp");
  const door = await bed.device("door");
  const gone = next(lamp.client, "close");
  bed.revoke("lamp");
  await gone;
  assert.equal(lamp.opened.closedFor, "revoked");
  assert.equal(door.opened.closedFor, undefined);
});

test("disposal closes every channel and frees the port", async () => {
  await using bed = await MqttTestBed.start();
  const devices = await Promise.all(
    ["a", "b", "c"].map((wireId) => bed.client(wireId).subscribeAsync(`m/${wireId}/d`)),
  );
  assert.equal(devices.length, 3);
  await until("all are open", () => bed.channels.length === 3);
  const { closed } = await bed.raw();
  await bed.stopTransport();
  await closed;
  assert.deepEqual(
    bed.channels.map((opened) => opened.closedFor),
    Array(3).fill("gateway stops"),
  );
});

test("a plain listener beyond the loopback needs to be called insecure", async () => {
  const build = (host: string, insecure: boolean) =>
    new MqttTransport({
      listeners: [{ host, port: 0, security: { kind: "plain", insecure } }],
      authenticator: nobody,
      acceptor: { opened: () => ({ message() {}, console() {}, closed() {} }) },
      log: createLogger({ level: "silent" }),
      metrics: new Metrics(),
      clock: systemClock,
    });
  for (const host of ["0.0.0.0", "::", "192.0.2.1", "example.org", ""]) {
    assert.throws(() => build(host, false), ConfigError, host);
    build(host, true);
  }
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) build(host, false);
  await using first = build("127.0.0.1", false);
  const { port } = await first.start();
  const second = new MqttTransport({
    listeners: [{ host: "127.0.0.1", port, security: { kind: "plain" } }],
    authenticator: nobody,
    acceptor: { opened: () => ({ message() {}, console() {}, closed() {} }) },
    log: createLogger({ level: "silent" }),
    metrics: new Metrics(),
    clock: systemClock,
  });
  await assert.rejects(second.start(), ConfigError);
  await second[Symbol.asyncDispose]();
});
