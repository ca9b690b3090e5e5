import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "@motelet/testing";
import { createWebSocketStream } from "ws";
import { webSocketLimits } from "../src/streaming/websocket/handshake.ts";
import { ChannelClient, refusalOf } from "./fakes/channel-client.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";
import { liveBytes } from "./fakes/live-memory.ts";
import { SpdyClient } from "./fakes/spdy-client.ts";

const deadline = { timeout: 60_000 };
const v5 = "v5.channel.k8s.io";
const v4 = "v4.channel.k8s.io";
const statusVersions = [v5, v4, "v4.base64.channel.k8s.io"];
const textVersions = ["channel.k8s.io", "base64.channel.k8s.io", ""];

const protocols = (name: string) => (name === "" ? [] : [name]);

function execPath(command: readonly string[], flags: string): string {
  return `/exec/default/lamp/device?${command.map((word) => `command=${encodeURIComponent(word)}`).join("&")}&${flags}`;
}

function exec(kubelet: KubeletUnderTest, protocol: string, command: readonly string[], flags: string) {
  return ChannelClient.open(kubelet.webSocket(execPath(command, flags), protocols(protocol)));
}

for (const protocol of [...statusVersions, ...textVersions]) {
  test(`"${protocol}": an empty message, output, exit code, close 1000`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await exec(kubelet, protocol, ["warn"], "output=1&error=1");
    assert.equal(client.webSocket.protocol, protocol);
    assert.equal((await client.closed).code, 1_000);
    assert.equal(client.order[0], 1);
    assert.equal(client.text(1), "to stdout\n");
    assert.equal(client.text(2), "to stderr\n");
    if (statusVersions.includes(protocol)) {
      const status = JSON.parse(client.text(3));
      assert.deepEqual(status.details, { causes: [{ reason: "ExitCode", message: "3" }] });
    } else assert.equal(client.text(3), "command terminated with non-zero exit code: exit status 3");
    await until("session disposed", () => kubelet.exec.open === 0);
  });

  test(`"${protocol}": success is told as that version tells it`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await exec(kubelet, protocol, ["echo", "hi"], "output=1&error=1");
    await client.closed;
    assert.equal(client.text(1), "hi\n");
    const wanted = statusVersions.includes(protocol) ? '{"metadata":{},"status":"Success"}' : "";
    assert.equal(client.text(3), wanted);
  });
}

test("the empty message comes on the lowest channel that is written to", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const [flags, channel] of [
    ["output=1&error=1", 1],
    ["error=1", 2],
    ["input=1", 3],
  ] as const) {
    const client = await exec(kubelet, v4, ["hang"], flags);
    await until("the empty message", () => client.order.length > 0);
    assert.equal(client.order[0], channel);
    client.webSocket.terminate();
  }
});

test("v5: [255, 0] ends stdin, the output after it still comes", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["count"], "input=1&output=1");
  for (let sent = 0; sent < 10_000_000; sent += 40_000) await client.send(0, Buffer.alloc(40_000));
  await client.halfClose(0);
  await client.closed;
  assert.equal(client.text(1), "10000000\n");
});

test("ten megabytes of output come in messages below 32 KiB", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const protocol of [v5, "v4.base64.channel.k8s.io"]) {
    const client = await exec(kubelet, protocol, ["zeros", "10000000"], "output=1");
    await client.closed;
    assert.equal(client.bytes(1).length, 10_000_000);
    assert.ok(client.longestMessage < 32_768, String(client.longestMessage));
    assert.equal(JSON.parse(client.text(3)).status, "Success");
  }
});

test("before v5 nothing ends stdin: 255 is a channel that nobody reads", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v4, ["cat"], "input=1&output=1");
  await client.halfClose(0);
  await client.send(0, "still");
  await until("the echo", () => client.text(1) === "still");
  client.webSocket.terminate();
  await until("the command is cancelled", () => kubelet.exec.open === 0);
});

for (const [what, message] of [
  ["one byte", Uint8Array.of(255)],
  ["three bytes", Uint8Array.of(255, 0, 0)],
  ["an unknown channel", Uint8Array.of(255, 9)],
] as const) {
  test(`v5: a half close of ${what} ends the connection`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const client = await exec(kubelet, v5, ["hang"], "input=1&output=1");
    await client.sendRaw(message);
    assert.equal((await client.closed).code, 1_002);
    await until("the command is cancelled", () => kubelet.exec.open === 0);
    const reason = "WS_HALF_CLOSE";
    assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_protocol_errors_total", { reason }), 1);
  });
}

test("terminal sizes reach the device", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["size"], "input=1&output=1&tty=1");
  await client.send(4, '{"Width":80,"Height":24}');
  await client.send(4, '{"Width":132,"Height":43}');
  await client.closed;
  assert.equal(client.text(1), "80x24 132x43 ");
});

test("what is no base64 is dropped, what is comes through", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, "base64.channel.k8s.io", ["cat"], "input=1&output=1");
  await client.sendRaw("0!!!!");
  await client.sendRaw("0Zm9");
  await client.sendRaw("0Zm9v");
  await until("the echo", () => client.text(1) === "foo");
  client.webSocket.terminate();
});

test("v5 is taken wherever the client names it, else the client's order counts", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const [offered, chosen] of [
    [[v4, v5], v5],
    [["v3.channel.k8s.io", "base64.channel.k8s.io", v4], "base64.channel.k8s.io"],
  ] as const) {
    const client = await ChannelClient.open(kubelet.webSocket(execPath(["echo"], "output=1"), offered));
    assert.equal(client.webSocket.protocol, chosen);
    await client.closed;
  }
});

test("attach ends with success, and a client that closes detaches", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const path = "/attach/default/lamp/device?input=1&output=1";
  const client = await ChannelClient.open(kubelet.webSocket(path, [v5]));
  await client.send(0, "ps\n");
  await until("an answer", () => client.text(1) === "console\nPS\n");
  await client.halfClose(0);
  assert.equal((await client.closed).code, 1_000);
  assert.equal(client.text(3), '{"metadata":{},"status":"Success"}');
  const second = await ChannelClient.open(kubelet.webSocket(path, [v4]));
  await until("attached", () => kubelet.attach.open === 1);
  await second.close();
  await until("detached", () => kubelet.attach.open === 0);
});

for (const [what, method, headers, code, body] of [
  ["an unknown subprotocol", "GET", { "sec-websocket-protocol": "v9.channel.k8s.io" }, 403, /not supported/],
  ["a POST", "POST", {}, 400, /method POST: expected GET/],
  ["no key", "GET", { "sec-websocket-key": "" }, 400, /Sec-WebSocket-Key is missing/],
  ["version 7", "GET", { "sec-websocket-version": "7" }, 400, /Sec-WebSocket-Version 7: expected 13/],
] as const) {
  test(`a handshake with ${what} is refused in words`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const answer = await kubelet.spdyUpgrade(execPath(["echo"], "output=1"), [], {
      method,
      headers: {
        upgrade: "websocket",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version": "13",
        ...headers,
      },
    });
    assert.equal(answer.code, code);
    assert.match(answer.body, body);
  });
}

test("a WebSocket is a GET, and still needs the right to create", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.kube.allows = (_user, { verb }) => verb === "get";
  const refusal = await refusalOf(kubelet.webSocket(execPath(["echo"], "output=1"), [v5]));
  assert.equal(refusal.code, 403);
  assert.match(refusal.body, /verb=create/);
});

test("pings are answered up to their limit, one more ends the connection", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["hang"], "output=1");
  let pongs = 0;
  client.webSocket.on("pong", () => {
    pongs += 1;
  });
  for (let sent = 0; sent < 200; sent++) client.webSocket.ping();
  await until("the pongs", () => pongs === 200);
  client.webSocket.ping();
  assert.equal((await client.closed).code, 1_008);
});

test("idle messages are taken up to their limit, one more ends the connection", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["cat"], "input=1&output=1");
  for (let sent = 0; sent < 200; sent++) await client.sendRaw(Buffer.of(sent % 2 === 0 ? 0 : 200));
  await client.send(0, "still");
  await until("the echo", () => client.text(1) === "still");
  await client.sendRaw(Buffer.of(3, 1));
  assert.equal((await client.closed).code, 1_008);
  const reason = "WS_FLOOD";
  assert.equal(await kubelet.metrics.valueOf("motelet_kubelet_protocol_errors_total", { reason }), 1);
});

test("a message at the length limit is taken, one byte more ends the connection", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const fits = await exec(kubelet, v5, ["count"], "input=1&output=1");
  await fits.sendRaw(Buffer.alloc(webSocketLimits.messageBytes));
  await fits.halfClose(0);
  await fits.closed;
  assert.equal(fits.text(1), `${webSocketLimits.messageBytes - 1}\n`);
  const beyond = await exec(kubelet, v5, ["count"], "input=1&output=1");
  await beyond.sendRaw(Buffer.alloc(webSocketLimits.messageBytes + 1));
  assert.equal((await beyond.closed).code, 1_009);
  await until("the command is cancelled", () => kubelet.exec.open === 0);
});

test(
  "a message of as many fragments as allowed is taken, of one more ends the connection",
  deadline,
  async () => {
    await using kubelet = await new KubeletUnderTest().start();
    for (const [fragments, code] of [
      [webSocketLimits.fragments, 1_000],
      [webSocketLimits.fragments + 1, 1_008],
    ] as const) {
      const client = await exec(kubelet, v5, ["count"], "input=1&output=1");
      client.webSocket.send(Buffer.of(0), { fin: false });
      for (let left = fragments - 2; left > 0; left--) client.webSocket.send(Buffer.of(7), { fin: false });
      client.webSocket.send(Buffer.of(7), { fin: true });
      if (code === 1_000) await client.halfClose(0);
      assert.equal((await client.closed).code, code);
    }
  },
);

test("nothing is compressed, whatever the client offers", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const webSocket = kubelet.webSocket(execPath(["echo"], "output=1"), [v5], { perMessageDeflate: true });
  const client = await ChannelClient.open(webSocket);
  assert.equal(webSocket.extensions, "");
  await client.closed;
});

test("a device that reads nothing stops the client, and nothing is held", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["hang"], "input=1&output=1");
  await until("output", () => client.text(1) !== "");
  const before = await liveBytes();
  const block = Buffer.alloc(65_536);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 200_000_000 && client.webSocket.readyState === 1; sent += block.length)
      await client.send(0, block);
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
  client.webSocket.terminate();
  await sending;
  await until("the command is cancelled", () => kubelet.exec.open === 0);
});

test("a client that reads nothing stops the device, and gets everything later", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const total = 30_000_000;
  const client = await exec(kubelet, v5, ["zeros", String(total)], "output=1");
  client.webSocket.pause();
  const before = await liveBytes();
  await sleep(300);
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 5_000_000, `${grown} bytes are held`);
  client.webSocket.resume();
  await client.closed;
  assert.equal(client.bytes(1).length, total);
  assert.equal(JSON.parse(client.text(3)).status, "Success");
});

test("shutdown tells a running command's client", deadline, async () => {
  const kubelet = await new KubeletUnderTest().start();
  const client = await exec(kubelet, v5, ["hang"], "output=1");
  await until("output", () => client.text(1) !== "");
  await kubelet[Symbol.asyncDispose]();
  assert.equal((await client.closed).code, 1_000);
  assert.equal(JSON.parse(client.text(3)).message, "UNAVAILABLE: the gateway is shutting down");
});

const forwardPath = "/portForward/default/lamp";

test("port-forward over channels: each port is told first, then its bytes come", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  for (const protocol of [v4, "v4.base64.channel.k8s.io", ""]) {
    const client = await ChannelClient.open(
      kubelet.webSocket(`${forwardPath}?port=7,80&port=13`, protocols(protocol)),
    );
    await client.send(0, "hello");
    await until("the echo", () => client.bytes(0).length >= 7);
    assert.deepEqual([...client.bytes(0).subarray(0, 2)], [7, 0]);
    assert.equal(client.bytes(0).subarray(2).toString(), "hello");
    assert.deepEqual([...client.bytes(1)], [7, 0]);
    assert.deepEqual([...client.bytes(2)], [80, 0]);
    assert.match(
      client.bytes(3).subarray(2).toString(),
      /^error forwarding port 80 to pod lamp, uid uid-lamp: /,
    );
    assert.equal(client.bytes(4).subarray(2).toString(), "2026-11-21\n");
    await client.close();
    await until("closed on the device", () => kubelet.dial.open === 0);
  }
});

test("port-forward over channels ends when its last connection has", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await ChannelClient.open(kubelet.webSocket(`${forwardPath}?port=13`, [v4]));
  assert.equal((await client.closed).code, 1_000);
  assert.equal(client.bytes(0).subarray(2).toString(), "2026-11-21\n");
});

for (const [query, body] of [
  ["", 'query parameter "port" is required'],
  ["?port=", 'query parameter "port" cannot be empty'],
  ["?port=0", 'port "0" must be > 0'],
  ["?port=7,http", 'unable to parse "7,http" as a port'],
  [`?port=${Array(33).fill("7").join()}`, "33 ports: limit 32"],
] as const) {
  test(`port-forward over channels with "${query.slice(0, 20)}" is a bad request`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const refusal = await refusalOf(kubelet.webSocket(`${forwardPath}${query}`, [v4]));
    assert.deepEqual(refusal, { code: 400, body });
  });
}

test("32 ports are taken", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const ports = Array(32).fill("13").join();
  const client = await ChannelClient.open(kubelet.webSocket(`${forwardPath}?port=${ports}`, [v4]));
  await client.closed;
  assert.equal(client.bytes(62).subarray(2).toString(), "2026-11-21\n");
});

/** As kubectl since 1.31: SPDY's bytes in binary messages. */
async function tunnel(kubelet: KubeletUnderTest): Promise<SpdyClient> {
  const protocol = "SPDY/3.1+portforward.k8s.io";
  const webSocket = kubelet.webSocket(forwardPath, [], {
    headers: { authorization: "Bearer good-token", "sec-websocket-protocol": protocol },
  });
  // ws takes no subprotocol with a slash, so it must not see that one was asked for and given.
  webSocket.once("upgrade", (answer) => {
    assert.equal(answer.headers["sec-websocket-protocol"], protocol);
    delete answer.headers["sec-websocket-protocol"];
  });
  const socket = createWebSocketStream(webSocket);
  await new Promise((resolve) => webSocket.once("open", resolve));
  return new SpdyClient(socket, new Uint8Array(0));
}

test("port-forward through a tunnel: twenty connections, 1 MB each way", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await tunnel(kubelet);
  const bytes = Buffer.alloc(1_000_000, "0123456789abcdef~");
  await Promise.all(
    Array.from({ length: 20 }, async (_, requestid) => {
      const headers = { port: "7", requestid: String(requestid) };
      const error = await client.open({ ...headers, streamtype: "error" });
      await client.send(error, new Uint8Array(0), true);
      const data = await client.open({ ...headers, streamtype: "data" });
      for (let at = 0; at < bytes.length; at += 32_768)
        await client.send(data, bytes.subarray(at, at + 32_768));
      await client.send(data, new Uint8Array(0), true);
      assert.ok((await client.read(data)).equals(bytes));
      assert.equal((await client.read(error)).toString(), "");
    }),
  );
  client.close();
  await until("nothing is left", async () => {
    const open = await kubelet.metrics.valueOf("motelet_kubelet_open_streams", { route: "portForward" });
    return open === 0 && kubelet.dial.open === 0;
  });
});

test("a tunnel whose client reads nothing stops the service, and nothing is held", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const client = await tunnel(kubelet);
  const error = await client.open({ port: "19", requestid: "1", streamtype: "error" });
  await client.send(error, new Uint8Array(0), true);
  const data = await client.open({ port: "19", requestid: "1", streamtype: "data" });
  await until("output", () => client.received(data) > 0);
  client.socket.pause();
  await sleep(100);
  const before = await liveBytes();
  await sleep(300);
  const grown = (await liveBytes()) - before;
  assert.ok(grown < 2_000_000, `${grown} bytes were added in 0.3 s`);
  client.socket.destroy();
  await until("closed on the device", () => kubelet.dial.open === 0);
});
