import assert from "node:assert/strict";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { defaultMqttLimits } from "./mqtt-limits.ts";
import {
  MqttTestBed,
  next,
  type OpenedChannel,
  rawConnect,
  rawPacket,
  rawSubscribe,
  rawText,
} from "./mqtt-test-bed.ts";

test("a declared length over the limit closes the socket before the body is read", async () => {
  await using bed = await MqttTestBed.start();
  const { socket, closed } = await bed.raw();
  socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
  await closed;
  assert.equal(await bed.refused("packet-too-long"), 1);
  assert.equal(bed.logLines("packet-too-long").length, 1);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_connections"), 0);
});

test("a message at the packet limit arrives, one byte past it ends the connection", async () => {
  const overhead = 2 + "m/lamp/u".length;
  await using bed = await MqttTestBed.start({ packetBytes: 512 });
  const { client, opened } = await bed.device("lamp");
  await client.publishAsync("m/lamp/u", Buffer.alloc(512 - overhead));
  await until("it has arrived", () => opened.messages.length === 1);
  const gone = next(client, "close");
  client.publish("m/lamp/u", Buffer.alloc(513 - overhead));
  await gone;
  assert.equal(opened.messages.length, 1);
  assert.equal(await bed.refused("packet-too-long"), 1);
});

test("a CONNECT that does not come in time ends the socket, drop by drop or not at all", async () => {
  await using bed = await MqttTestBed.start({ connectDeadlineMs: 150 });
  const silent = await bed.raw();
  const slow = await bed.raw();
  const bytes = rawConnect("lamp");
  let at = 0;
  using drops = setInterval(() => slow.socket.write(bytes.subarray(at, ++at)), 20);
  await Promise.all([silent.closed, slow.closed]);
  clearInterval(drops);
  assert.equal(await bed.refused("connect-deadline"), 2);
});

test("an admitted client outlives the CONNECT deadline", async () => {
  const clock = new ManualClock();
  await using bed = await MqttTestBed.start({}, { kind: "plain" }, clock);
  const { client, opened } = await bed.device("lamp");
  const { closed } = await bed.raw();
  await until("the gateway has it", async () => {
    return (await bed.metrics.valueOf("motelet_mqtt_pending_connections")) === 1;
  });
  clock.advance(defaultMqttLimits.connectDeadlineMs);
  await closed;
  await client.publishAsync("m/lamp/u", "still here");
  await until("it has arrived", () => opened.messages.length === 1);
});

test("connections at the limit are served, one past it is closed and counted", async () => {
  await using bed = await MqttTestBed.start({ connections: 2 });
  const { opened } = await bed.device("lamp");
  const second = await bed.raw();
  const third = await bed.raw();
  await third.closed;
  assert.equal(await bed.refused("connection-limit"), 1);
  assert.equal(opened.closedFor, undefined);
  second.socket.destroy();
  await until("the place is free", async () => (await bed.metrics.valueOf("motelet_mqtt_connections")) === 1);
  await bed.device("door");
});

const publications: [string, string, object, string][] = [
  ["another device's uplink", "m/door/u", {}, "publish-topic"],
  ["its own downlink", "m/lamp/d", {}, "publish-topic"],
  ["a topic of the broker", "$SYS/x/new/clients", {}, "publish-topic"],
  ["its uplink, retained", "m/lamp/u", { retain: true }, "publish-retained"],
  ["its uplink with QoS 1", "m/lamp/u", { qos: 1 }, "publish-qos"],
  ["its uplink with QoS 2", "m/lamp/u", { qos: 2 }, "publish-qos"],
];

for (const [name, topic, options, reason] of publications) {
  test(`a device that publishes to ${name} is disconnected, the others are not`, async () => {
    await using bed = await MqttTestBed.start();
    const door = await bed.device("door");
    const lamp = await bed.device("lamp");
    const gone = next(lamp.client, "close");
    lamp.client.publish(topic, "forged", options, () => {});
    await gone;
    assert.equal(await bed.refused(reason), 1);
    assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 1);
    const [line] = bed.logLines(reason);
    assert.equal(line?.wireId, "lamp");
    assert.equal(line?.topic, topic);
    assert.equal(lamp.opened.closedFor, `refused: ${reason}`);
    await door.client.publishAsync("m/door/u", "here");
    await until("the other is heard", () => door.opened.messages.length === 1);
    assert.equal(Buffer.from(door.opened.messages[0] as Uint8Array).toString(), "here");
  });
}

test("subscriptions to anything but the own downlink are answered with the failure code", async () => {
  await using bed = await MqttTestBed.start();
  const client = bed.client("lamp");
  await next(client, "connect");
  for (const filter of ["#", "m/+/d", "m/door/d", "m/lamp/u", "$SYS/#"]) {
    const { socket } = await bed.raw();
    socket.write(rawConnect("lamp"));
    await next(socket, "data");
    socket.write(rawSubscribe(filter));
    const answer = await next(socket, "data");
    assert.deepEqual([...(answer as Buffer)], [0x90, 3, 0, 1, 0x80], filter);
  }
  assert.equal(await bed.refused("subscribe-topic"), 5);
  assert.equal(bed.channels.length, 0);
});

test("a SUBSCRIBE to hundreds of topics is refused once, one to a million is not even read", async () => {
  await using bed = await MqttTestBed.start();
  const { socket, closed } = await bed.raw();
  socket.write(rawConnect("lamp"));
  await next(socket, "data");
  const filters = Array.from({ length: 400 }, (_, index) => String(index % 10));
  socket.write(rawSubscribe(...filters, "m/lamp/d"));
  await until("the channel is open all the same", () => bed.channels.length === 1);
  assert.equal(await bed.refused("subscribe-topic"), 1);
  // A million topics of one character take 4 MB.
  socket.write(Buffer.from([0x82, 0x82, 0x92, 0xf4, 0x01]));
  await closed;
  assert.equal(await bed.refused("packet-too-long"), 1);
});

test("bytes that are not MQTT end the connection and are counted", async () => {
  await using bed = await MqttTestBed.start();
  const http = await bed.raw();
  http.socket.write("GET / HTTP/1.1\r\n\r\n");
  await http.closed;
  assert.equal(await bed.refused("not-mqtt"), 1);

  const cases = [
    rawPacket(0x10, rawText("MQTT"), [5, 0xc2, 0, 0, 0], rawText("lamp"), rawText("lamp.1"), rawText("x")),
    rawPacket(0x10, rawText("HTTP"), [4, 0xc2, 0, 0]),
    rawPacket(0x10, rawText("MQTT"), [4, 0xc2]),
    Buffer.concat([rawConnect("lamp"), rawConnect("lamp")]),
    Buffer.concat([rawConnect("lamp"), rawPacket(0xf0)]),
    Buffer.concat([rawConnect("lamp"), rawPacket(0x36, rawText("m/lamp/u"), [0, 1])]),
  ];
  for (const [index, bytes] of cases.entries()) {
    const { socket, closed } = await bed.raw();
    socket.resume().write(bytes);
    await closed;
    await until(`case ${index} is counted`, async () => (await bed.refused("protocol")) === index + 1);
  }
});

/** Sends to a device that does not read until a message is dropped. */
async function fill(opened: OpenedChannel | undefined): Promise<void> {
  const message = new Uint8Array(1_024);
  let sent = 0;
  while (opened?.channel.send(message)) {
    // The system's own buffers take megabytes on the loopback.
    if (++sent % 32 === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(sent < 50_000, true);
  }
}

test("a device that does not read loses messages at the cap and holds up nobody", async () => {
  await using bed = await MqttTestBed.start({ downlinkBufferBytes: 32 * 1024 });
  const stalled = await bed.raw();
  stalled.socket.write(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")]));
  await until("its channel is open", () => bed.channels.length === 1);
  stalled.socket.pause();
  const slow = bed.channels[0];
  await fill(slow);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_dropped_total", { reason: "downlink-full" }), 1);
  const door = await bed.device("door");
  const heard = next(door.client, "message");
  assert.equal(door.opened.channel.send(Uint8Array.of(1)), true);
  await heard;
  stalled.socket.resume();
  await until("there is room again", () => slow?.channel.send(new Uint8Array(1_024)) === true);
});

test("a device that leaves the broker's answers unread is disconnected", async () => {
  await using bed = await MqttTestBed.start({ drainTimeoutMs: 200 });
  const { socket, closed } = await bed.raw();
  socket.write(Buffer.concat([rawConnect("lamp"), rawSubscribe("m/lamp/d")]));
  await until("its channel is open", () => bed.channels.length === 1);
  socket.pause();
  const opened = bed.channels[0];
  await fill(opened);
  // Pings whose answers fill what little is left.
  socket.write(Buffer.alloc(2 * 1_000, rawPacket(0xc0)));
  await until("it is gone", () => opened?.closedFor !== undefined);
  assert.match(opened?.closedFor ?? "", /drain timeout/);
  assert.equal(await bed.refused("stalled"), 1);
  socket.resume();
  await closed;
});

test("a device that falls silent for 1.5 keep-alives is disconnected, which is nobody's fault", async () => {
  await using bed = await MqttTestBed.start();
  const { socket, closed } = await bed.raw();
  const connect = rawConnect("lamp");
  // The last byte of the keep-alive, after type, length, "MQTT", level and flags.
  connect[11] = 1;
  socket.resume().write(Buffer.concat([connect, rawSubscribe("m/lamp/d")]));
  await closed;
  await until("its channel is closed", () => bed.channels[0]?.closedFor !== undefined);
  assert.match(bed.channels[0]?.closedFor ?? "", /keep alive/);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 0);
});

test("packets that come too fast are slowed down, not lost", async () => {
  await using bed = await MqttTestBed.start({ packetBurst: 20, packetRefillMs: 5 });
  const { client, opened } = await bed.device("lamp");
  const startedMs = performance.now();
  for (let index = 0; index < 60; index++) client.publish("m/lamp/u", Buffer.of(index));
  await until("the first have arrived", () => opened.messages.length > 0);
  await client.publishAsync("m/lamp/u", "last");
  await until("all have arrived", () => opened.messages.length === 61);
  assert.equal(performance.now() - startedMs > 150, true);
  assert.equal((await bed.metrics.valueOf("motelet_mqtt_throttled_total")) > 0, true);
});

test("packets whose rate token is refunded do not count as too fast", async () => {
  await using bed = await MqttTestBed.start({ packetBurst: 20, packetRefillMs: 60_000 });
  const { client, opened } = await bed.device("lamp");
  for (let index = 0; index < 60; index++) {
    await client.publishAsync("m/lamp/u", Buffer.of(index));
    await until(`message ${index} has arrived`, () => opened.messages.length === index + 1);
    opened.channel.refundRateToken?.();
  }
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_throttled_total"), 0);
});
