import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@motelet/testing";
import { dialLineLimits } from "../src/kubelet/portforward/dial-line.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";
import { liveBytes } from "./fakes/live-memory.ts";
import { LoopTime } from "./fakes/loop-time.ts";
import { ManualClock } from "./fakes/manual-clock.ts";
import type { SpdyClient } from "./fakes/spdy-client.ts";

const deadline = { timeout: 60_000 };
const path = "/portForward/default/lamp";

async function connect(kubelet: KubeletUnderTest): Promise<SpdyClient> {
  const { client, code, headers } = await kubelet.spdyUpgrade(path, ["portforward.k8s.io"]);
  assert.equal(code, 101);
  assert.equal(headers["x-stream-protocol-version"], "portforward.k8s.io");
  assert.ok(client);
  return client;
}

/** As client-go: the error stream first, whose own half ends at once, then the data stream. */
async function openPair(client: SpdyClient, port: number, requestid: number | undefined = undefined) {
  const common = { port: String(port), ...(requestid === undefined ? {} : { requestid: String(requestid) }) };
  const error = await client.open({ ...common, streamtype: "error" });
  await client.send(error, new Uint8Array(0), true);
  const data = await client.open({ ...common, streamtype: "data" });
  return { error, data };
}

async function exchange(client: SpdyClient, port: number, requestid: number, bytes: Uint8Array) {
  const pair = await openPair(client, port, requestid);
  for (let at = 0; at < bytes.length; at += 32_768)
    await client.send(pair.data, bytes.subarray(at, at + 32_768));
  await client.send(pair.data, new Uint8Array(0), true);
  const [data, error] = await Promise.all([client.read(pair.data), client.read(pair.error)]);
  client.reset(pair.data);
  client.forget(pair.data);
  client.forget(pair.error);
  return { data, error: error.toString() };
}

test("a connection's bytes go to the service and come back; both streams end", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const { data, error } = await exchange(client, 7, 0, Buffer.from("hello"));
  assert.equal(data.toString(), "hello");
  assert.equal(error, "");
  await until("the pair is forgotten", () => kubelet.dial.open === 0);
  assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_port_forwards_total", { status: "OK" }), 1);
  assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_open_port_forwards"), 0);
  client.close();
});

test("twenty connections at once carry 1 MB each way over one client", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const bytes = Buffer.alloc(1_000_000, "0123456789abcdef~");
  const results = await Promise.all(
    Array.from({ length: 20 }, (_, requestid) => exchange(client, 7, requestid, bytes)),
  );
  for (const { data, error } of results) {
    assert.ok(data.equals(bytes));
    assert.equal(error, "");
  }
  client.close();
});

test("streams without a request id are paired by their ids", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const pair = await openPair(client, 13);
  assert.equal((await client.read(pair.data)).toString(), "2026-11-21\n");
  client.close();
});

test("a half that the client ends is passed on, and the service goes on answering", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const { data } = await exchange(client, 9, 1, Buffer.alloc(100_000));
  assert.equal(data.toString(), "100000\n");
  client.close();
});

test(
  "a port without a service is told in a kubelet's words, and the next connection works",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await connect(kubelet);
    const pair = await openPair(client, 80, 1);
    assert.equal(
      (await client.read(pair.error)).toString(),
      "error forwarding port 80 to pod lamp, uid uid-lamp: device default/lamp has no service on port 80",
    );
    await assert.rejects(client.read(pair.data), /reset/);
    const { data } = await exchange(client, 7, 2, Buffer.from("still"));
    assert.equal(data.toString(), "still");
    assert.equal(
      await kubelet.metrics.valueOf("motelet_kubelet_port_forwards_total", { status: "DIAL_NOT_FOUND" }),
      1,
    );
    client.close();
  },
);

test("a device that dies ends each connection with a sentence", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const pairs = [await openPair(client, 22, 1), await openPair(client, 19, 2)];
  await until("both are connected", () => kubelet.dial.open === 2);
  kubelet.dial.lose("device default/lamp went offline");
  for (const { error } of pairs)
    assert.match((await client.read(error)).toString(), /: device default\/lamp went offline$/);
  await until("nothing is left", () => kubelet.dial.open === 0);
  client.close();
});

test("a client that resets its data stream ends the connection, the others go on", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const hanging = await openPair(client, 22, 1);
  await until("connected", () => kubelet.dial.open === 1);
  client.reset(hanging.data);
  assert.equal((await client.read(hanging.error)).toString(), "");
  await until("closed on the device", () => kubelet.dial.open === 0);
  assert.equal((await exchange(client, 7, 2, Buffer.from("x"))).data.toString(), "x");
  client.close();
});

test("a client that goes away ends all of its connections", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  for (const id of [1, 2, 3]) await openPair(client, 22, id);
  await until("connected", () => kubelet.dial.open === 3);
  client.socket.destroy();
  await until("closed on the device", () => kubelet.dial.open === 0);
  await until("the request has ended", async () => {
    const open = await kubelet.metrics.valueOf("motelet_kubelet_open_streams", { route: "portForward" });
    return open === 0;
  });
});

test("a service that ends while its client still sends holds up nothing", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const ended = await openPair(client, 13, 1);
  for (let sent = 0; sent < 1_000_000; sent += 50_000) await client.send(ended.data, Buffer.alloc(50_000));
  assert.equal((await client.read(ended.data)).toString(), "2026-11-21\n");
  assert.equal((await exchange(client, 7, 2, Buffer.from("x"))).data.toString(), "x");
  client.close();
});

for (const [what, headers, reason] of [
  ["no port", { streamtype: "error", requestid: "1" }, "PORT_INVALID"],
  ["port 0", { streamtype: "error", port: "0", requestid: "1" }, "PORT_INVALID"],
  ["port 65536", { streamtype: "error", port: "65536", requestid: "1" }, "PORT_INVALID"],
  ["a port that is none", { streamtype: "error", port: "http", requestid: "1" }, "PORT_INVALID"],
  ["no type", { port: "7", requestid: "1" }, "STREAM_TYPE_INVALID"],
  ["another type", { port: "7", requestid: "1", streamtype: "stdin" }, "STREAM_TYPE_INVALID"],
] as const) {
  test(`a stream with ${what} is reset, and the next pair works`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await connect(kubelet);
    await assert.rejects(client.open(headers), /refused/);
    assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_stream_refusals_total", { reason }), 1);
    assert.equal((await exchange(client, 7, 2, Buffer.from("x"))).data.toString(), "x");
    client.close();
  });
}

test("a third stream of a pair is reset, the pair goes on", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const pair = await openPair(client, 7, 1);
  await assert.rejects(client.open({ port: "7", requestid: "1", streamtype: "data" }), /refused/);
  await client.send(pair.data, Buffer.from("x"), true);
  assert.equal((await client.read(pair.data)).toString(), "x");
  client.close();
});

test("64 connections are open at once, one more is refused until another has ended", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.dial.room = 100;
  const client = await connect(kubelet);
  const pairs = [];
  for (let id = 0; id < 64; id++) pairs.push(await openPair(client, 22, id));
  await until("connected", () => kubelet.dial.open === 64);
  await assert.rejects(openPair(client, 22, 64), /refused/);
  const refused = () =>
    kubelet.metrics.valueOf("motelet_kubelet_stream_refusals_total", { reason: "PAIRS_TOO_MANY" });
  assert.equal(await refused(), 1);
  client.reset(pairs[0]!.data);
  await until("one has ended", () => kubelet.dial.open === 63);
  assert.equal((await exchange(client, 13, 65, new Uint8Array(0))).data.toString(), "2026-11-21\n");
  client.close();
});

test("connections for which the device has no room wait for their turn", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.dial.room = 2;
  const client = await connect(kubelet);
  const bytes = Buffer.alloc(100_000, "abc");
  const results = await Promise.all(
    Array.from({ length: 12 }, (_, requestid) => exchange(client, 7, requestid, bytes)),
  );
  for (const { data, error } of results) {
    assert.ok(data.equals(bytes));
    assert.equal(error, "");
  }
  client.close();
});

test("a connection that finds no room in time is refused, and the others go on", {
  timeout: 60_000,
}, async () => {
  const clock = new ManualClock();
  await using kubelet = await new KubeletUnderTest({ clock }).start();
  kubelet.dial.room = 1;
  const client = await connect(kubelet);
  const first = await openPair(client, 7, 1);
  let isRefused = false;
  const refused = assert.rejects(openPair(client, 7, 2), /refused/).then(() => {
    isRefused = true;
  });
  await until("it was tried", () => kubelet.dial.dialled >= 2);
  let waitedMs = 0;
  await until("it is refused", () => {
    if (!isRefused) waitedMs += dialLineLimits.retryMs;
    clock.advance(dialLineLimits.retryMs);
    return isRefused;
  });
  await refused;
  assert.ok(waitedMs >= dialLineLimits.waitMs && kubelet.dial.dialled > 50, `${waitedMs} ms`);
  await client.send(first.data, Buffer.from("still here"), true);
  assert.equal((await client.read(first.data)).toString(), "still here");
  client.close();
});

test("a service that takes nothing stops its client", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const { data } = await openPair(client, 22, 1);
  await until("connected", () => kubelet.dial.open === 1);
  const before = await liveBytes();
  let sent = 0;
  const block = Buffer.alloc(65_536);
  const sending = (async () => {
    for (; sent < 200_000_000 && !client.socket.destroyed; sent += block.length)
      await client.send(data, block);
  })();
  let last = -1;
  await until("the client is stopped", async () => {
    await sleep(50);
    const stopped = sent === last && sent > 0;
    last = sent;
    return stopped;
  });
  assert.ok(sent < 50_000_000, `${sent} bytes went in`);
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes are held for ${sent} that were sent`);
  client.socket.destroy();
  await sending;
});

test("a client that reads nothing stops the service, and nothing is held", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const { data } = await openPair(client, 19, 1);
  await until("output", () => client.received(data) > 0);
  client.socket.pause();
  await sleep(100);
  const before = await liveBytes();
  const produced = client.received(data);
  await sleep(300);
  assert.equal(client.received(data), produced);
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes were added in 0.3 s`);
  client.socket.destroy();
  await until("closed on the device", () => kubelet.dial.open === 0);
});

for (const [what, protocols, headers, code, text] of [
  ["no protocol", [], {}, 400, /X-Stream-Protocol-Version header is required/],
  ["an unknown protocol", ["v4.channel.k8s.io"], {}, 403, /server accepts \[portforward\.k8s\.io\]/],
  ["another upgrade", ["portforward.k8s.io"], { upgrade: "h2c" }, 400, /neither for SPDY\/3\.1/],
] as const) {
  test(`${what} is refused before the upgrade`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const answer = await kubelet.spdyUpgrade(path, protocols, { headers });
    assert.equal(answer.code, code);
    assert.match(answer.body, text);
    if (code === 403)
      assert.equal(answer.headers["x-accepted-stream-protocol-versions"], "portforward.k8s.io");
  });
}

test("an offline device and an unknown pod are told before the upgrade", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const unknown = await kubelet.spdyUpgrade("/portForward/default/nosuch", ["portforward.k8s.io"]);
  assert.deepEqual([unknown.code, unknown.body], [404, "pod does not exist"]);
  kubelet.registry.learn("default/lamp", { phase: "Offline" });
  const offline = await kubelet.spdyUpgrade(path, ["portforward.k8s.io"]);
  assert.deepEqual([offline.code, offline.body], [503, "device default/lamp is offline (never seen)"]);
});

test("a thousand connections through one client leave nothing", { timeout: 120_000 }, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  let requestid = 0;
  const play = async (count: number) => {
    for (const untilId = requestid + count; requestid < untilId; requestid++) {
      await exchange(client, 13, requestid, new Uint8Array(0));
      // The client of the test keeps the frames that it has seen.
      client.frames.length = 0;
    }
    await until("all have ended", () => kubelet.dial.open === 0);
  };
  await play(200);
  const before = await liveBytes();
  await play(1_000);
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 700_000, `${grown} bytes more are alive after 1,000 connections`);
  client.close();
});

test("shutdown tells each connection and ends within 3 s", deadline, async () => {
  const kubelet = await new KubeletUnderTest().start();
  const client = await connect(kubelet);
  const { error } = await openPair(client, 22, 1);
  await until("connected", () => kubelet.dial.open === 1);
  using time = new LoopTime();
  const told = client.read(error);
  await kubelet[Symbol.asyncDispose]();
  assert.match((await told).toString(), /the gateway is shutting down$/);
  assert.ok(time.ms < 3_000, `${time.ms} ms`);
  assert.equal(kubelet.dial.open, 0);
});
