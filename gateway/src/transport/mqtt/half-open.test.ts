import assert from "node:assert/strict";
import { Socket } from "node:net";
import { test } from "node:test";
import { until } from "@motelet/testing";
import { HalfOpenFlood } from "../../../test/fakes/half-open-flood.ts";
import { liveBytes } from "../../../test/fakes/live-memory.ts";
import { ManualClock } from "../../../test/fakes/manual-clock.ts";
import { Metrics } from "../../foundation/metrics.ts";
import { defaultMqttLimits } from "./mqtt-limits.ts";
import { MqttMeters } from "./mqtt-meters.ts";
import { keyOf, MqttTestBed, next } from "./mqtt-test-bed.ts";
import { SocketTable } from "./socket-table.ts";

const deadline = { timeout: 60_000 };

function table(connections: number, pendingConnections: number) {
  const clock = new ManualClock();
  const metrics = new Metrics();
  const refused: string[] = [];
  const limits = { ...defaultMqttLimits, connections, pendingConnections, pendingGraceMs: 1_000 };
  const sockets = new SocketTable({
    limits,
    clock,
    meters: new MqttMeters(metrics),
    refused: (reason, peer) => refused.push(`${reason} ${peer}`),
  });
  const add = (peer: string) => {
    const socket = new Socket();
    return { socket, taken: sockets.add(socket, peer) };
  };
  return { clock, metrics, refused, sockets, add };
}

test("pending sockets at the limit stay, one past it is refused while the oldest is young", async () => {
  const { clock, refused, add, metrics } = table(10, 2);
  const [first, second] = [add("a"), add("b")];
  clock.advance(999);
  const third = add("c");
  assert.deepEqual([first.taken, second.taken, third.taken], [true, true, false]);
  assert.deepEqual([first.socket.destroyed, third.socket.destroyed], [false, true]);
  assert.deepEqual(refused, ["pending-limit c"]);
  assert.equal(await metrics.valueOf("motelet_mqtt_pending_connections"), 2);
});

test("a newcomer takes the place of the oldest pending socket that has had its time", async () => {
  const { clock, refused, add, sockets, metrics } = table(10, 2);
  const [first, second] = [add("a"), add("b")];
  clock.advance(1_000);
  const third = add("c");
  assert.equal(third.taken, true);
  assert.deepEqual(refused, ["pending-limit a"]);
  assert.deepEqual([first.socket.destroyed, second.socket.destroyed], [true, false]);
  sockets.settle(second.socket);
  assert.equal(add("d").taken, true);
  assert.equal(second.socket.destroyed, false);
  await until("the closed one is gone", async () => {
    return (await metrics.valueOf("motelet_mqtt_connections")) === 3;
  });
  assert.equal(await metrics.valueOf("motelet_mqtt_pending_connections"), 2);
  sockets.destroyAll();
  await until("all are gone", async () => (await metrics.valueOf("motelet_mqtt_connections")) === 0);
});

test("one that is protected keeps its place, counts, and has its time from the end of the protection on", async () => {
  const { clock, refused, add, sockets, metrics } = table(10, 2);
  const [waits] = [add("a"), add("b")];
  sockets.protect(waits.socket);
  clock.advance(1_000);
  assert.equal(add("c").taken, true);
  assert.equal(await metrics.valueOf("motelet_mqtt_pending_connections"), 2);
  assert.deepEqual(refused, ["pending-limit b"]);
  sockets.unprotect(waits.socket);
  clock.advance(1_000);
  assert.equal(add("d").taken, true);
  assert.deepEqual(refused, ["pending-limit b", "pending-limit c"]);
  assert.equal(add("e").taken, true);
  assert.deepEqual(refused, ["pending-limit b", "pending-limit c", "pending-limit a"]);
});

test("where all pending sockets are protected, one past the limit is refused", () => {
  const { clock, refused, add, sockets } = table(10, 2);
  const both = [add("a"), add("b")];
  for (const { socket } of both) sockets.protect(socket);
  clock.advance(60_000);
  assert.equal(add("c").taken, false);
  assert.deepEqual(refused, ["pending-limit c"]);
  sockets.settle(both[0]?.socket as Socket);
  assert.equal(add("d").taken, true);
});

test("connections at the limit stay, whatever time they have had", () => {
  const { clock, refused, add, sockets } = table(2, 2);
  sockets.settle(add("a").socket);
  sockets.settle(add("b").socket);
  clock.advance(60_000);
  assert.equal(add("c").taken, false);
  assert.deepEqual(refused, ["connection-limit c"]);
});

test("a handshake has an absolute deadline: silence and drops of it end alike", deadline, async () => {
  await using bed = await MqttTestBed.start({ handshakeDeadlineMs: 150 }, { kind: "psk" });
  const silent = await bed.raw();
  const slow = await bed.raw();
  // A TLS record of 512 bytes that never comes to its end.
  const hello = Buffer.concat([Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), Buffer.alloc(505)]);
  let at = 0;
  using drops = setInterval(() => slow.socket.write(hello.subarray(at, ++at)), 20);
  await Promise.all([silent.closed, slow.closed]);
  clearInterval(drops);
  assert.equal(await bed.refused("handshake-deadline"), 2);
  assert.equal(await bed.metrics.valueOf("motelet_mqtt_refused_total"), 2);
});

test("a handshake that is done outlives its deadline, but has one for CONNECT", deadline, async () => {
  const clock = new ManualClock();
  await using bed = await MqttTestBed.start({}, { kind: "psk" }, clock);
  const { client, opened } = await bed.device("lamp", pskClient("lamp"));
  const { closed } = await bed.raw();
  await until("the gateway has it", async () => {
    return (await bed.metrics.valueOf("motelet_mqtt_pending_connections")) === 1;
  });
  clock.advance(defaultMqttLimits.handshakeDeadlineMs);
  await closed;
  await client.publishAsync("m/lamp/u", "still here");
  await until("it has arrived", () => opened.messages.length === 1);
});

function pskClient(wireId: string) {
  return {
    protocol: "mqtts",
    ciphers: "PSK-AES128-GCM-SHA256",
    maxVersion: "TLSv1.2",
    pskCallback: () => ({ psk: keyOf(wireId), identity: `${wireId}.1` }),
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false,
  } as const;
}

/** Thousands of sockets: seconds on an idle machine. */
const patient = { timeout: 400_000 };

for (const kind of ["plain", "psk"] as const) {
  test(
    `${kind}: a flood of half-open sockets takes no memory; devices come in and stay`,
    patient,
    async () => {
      const limits = { pendingConnections: 64, pendingGraceMs: 50 };
      await using bed = await MqttTestBed.start(limits, { kind });
      const options = (wireId: string) => (kind === "psk" ? pskClient(wireId) : {});
      const lamp = await bed.device("lamp", options("lamp"));
      // The beginning of a ClientHello, or of a CONNECT.
      const bytes = kind === "psk" ? "160301020001" : "1080";
      using flood = new HalfOpenFlood(bed.port, bytes);
      const pendingNow = () => bed.metrics.valueOf("motelet_mqtt_pending_connections");
      const refusedReach = (count: number) =>
        until(
          `${count} are refused`,
          async () => {
            assert.ok((await pendingNow()) <= 64);
            await lamp.client.publishAsync("m/lamp/u", "beat");
            return (await bed.refused("pending-limit")) >= count;
          },
          120_000,
        );

      await refusedReach(1_000);
      const heldBytes = await liveBytes();
      await refusedReach(2_500);
      await until("a newcomer gets in", () => comesIn(bed, options("door")));
      await refusedReach(5_000);
      const grownPercent = (100 * ((await liveBytes()) - heldBytes)) / heldBytes;
      assert.ok(grownPercent < 10, `${grownPercent.toFixed(1)} %`);
      assert.equal(flood.failure, undefined);
      assert.equal(lamp.opened.closedFor, undefined);
      assert.ok(lamp.opened.messages.length > 10);
    },
  );
}

async function comesIn(bed: MqttTestBed, options: object): Promise<boolean> {
  const client = bed.client("door", options);
  const answer = await Promise.race([
    next(client, "connect").then(
      () => true,
      () => false,
    ),
    next(client, "close").then(
      () => false,
      () => false,
    ),
  ]);
  client.end(true);
  return answer;
}
