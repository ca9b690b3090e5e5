import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Status } from "@motelet/profiles";
import { until } from "@motelet/testing";
import { createLogger } from "../src/foundation/log.ts";
import { KubeletUnderTest } from "./fakes/kubelet-under-test.ts";
import { LoopTime } from "./fakes/loop-time.ts";
import type { SpdyClient } from "./fakes/spdy-client.ts";

const deadline = { timeout: 60_000 };

/** Opens the streams in kubectl's order. */
async function openStreams(client: SpdyClient, types: readonly string[]): Promise<Record<string, number>> {
  const ids: Record<string, number> = {};
  for (const type of types) ids[type] = await client.open(type);
  return ids;
}

async function run(kubelet: KubeletUnderTest, command: readonly string[], input?: Uint8Array) {
  const flags = input ? "input=1&output=1&error=1" : "output=1&error=1";
  const { client, code } = await kubelet.execUpgrade(command, flags);
  assert.equal(code, 101);
  assert.ok(client);
  const ids = await openStreams(client, ["error", ...(input ? ["stdin"] : []), "stdout", "stderr"]);
  if (input) {
    for (let at = 0; at < input.length; at += 32_768)
      await client.send(ids.stdin!, input.subarray(at, at + 32_768));
    await client.send(ids.stdin!, new Uint8Array(0), true);
  }
  const [stdout, stderr, error] = await Promise.all([
    client.read(ids.stdout!),
    client.read(ids.stderr!),
    client.read(ids.error!),
  ]);
  client.close();
  await client.closed;
  return { stdout: stdout.toString(), stderr: stderr.toString(), status: JSON.parse(error.toString()) };
}

test("a command's output arrives, then its success", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const result = await run(kubelet, ["echo", "hi", "there"]);
  assert.deepEqual(result, { stdout: "hi there\n", stderr: "", status: { metadata: {}, status: "Success" } });
  assert.deepEqual(kubelet.exec.started[0], {
    key: "default/lamp",
    request: { argv: ["echo", "hi", "there"], tty: false, stdin: false, stdout: true, stderr: true },
  });
  await until("session disposed", () => kubelet.exec.open === 0);
});

for (const code of [1, 7, 255]) {
  test(`exit code ${code} is a NonZeroExitCode with that cause`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const { status } = await run(kubelet, ["exit", String(code)]);
    assert.equal(status.reason, "NonZeroExitCode");
    assert.deepEqual(status.details, { causes: [{ reason: "ExitCode", message: String(code) }] });
  });
}

for (const code of [256, -1, 65_536]) {
  test(`exit code ${code} is a 255, with the number itself on stderr`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const { status, stderr } = await run(kubelet, ["exit", String(code)]);
    assert.equal(status.reason, "NonZeroExitCode");
    assert.deepEqual(status.details, { causes: [{ reason: "ExitCode", message: "255" }] });
    assert.equal(stderr, `exit code ${code}: expected 0 to 255, told as 255\n`);
  });
}

test("on a terminal, which has no stderr, the number is on stdout", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["exit", "256"], "output=1&tty=1");
  const ids = await openStreams(client!, ["error", "stdout", "resize"]);
  const [stdout, error] = await Promise.all([client!.read(ids.stdout!), client!.read(ids.error!)]);
  assert.equal(stdout.toString(), "exit code 256: expected 0 to 255, told as 255\r\n");
  assert.equal(JSON.parse(error.toString()).details.causes[0].message, "255");
  client!.close();
});

test("stdout and stderr stay apart", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { stdout, stderr, status } = await run(kubelet, ["warn"]);
  assert.equal(stdout, "to stdout\n");
  assert.equal(stderr, "to stderr\n");
  assert.equal(status.details.causes[0].message, "3");
});

test("ten megabytes of input come back unchanged", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const input = Buffer.alloc(10_000_000, "0123456789abcdefghijklmnopqrstuvwxyz");
  const { stdout } = await run(kubelet, ["cat"], input);
  assert.ok(stdout === input.toString());
});

test("an unknown command and a lost device are told in words", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const unknown = await run(kubelet, ["nosuch"]);
  assert.equal(unknown.status.message, 'INVALID_ARGUMENT: no command "nosuch"');
  assert.equal(unknown.status.reason, "BadRequest");
  const lost = await run(kubelet, ["lost"]);
  assert.equal(lost.status.message, "UNAVAILABLE: device default/lamp went offline");
  assert.equal(lost.status.code, 503);
});

test("the client's disconnect cancels the command, and is logged as that", deadline, async () => {
  const lines: { readonly msg: string; readonly code?: number }[] = [];
  const destination = { write: (line: string) => void lines.push(JSON.parse(line)) };
  await using kubelet = await new KubeletUnderTest({
    log: createLogger({ level: "info", destination }),
  }).start();
  const { client } = await kubelet.execUpgrade(["hang"], "output=1");
  const ids = await openStreams(client!, ["error", "stdout"]);
  await until("output", () => client!.received(ids.stdout!) > 0);
  assert.equal(kubelet.exec.open, 1);
  client!.socket.destroy();
  await until("session disposed", () => kubelet.exec.open === 0);
  await until("the log", () => lines.some(({ msg }) => msg === "remote command ended"));
  assert.equal(lines.at(-1)?.code, Status.CANCELLED);
});

test("a client that reads nothing stops the device, and gets everything later", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const total = 30_000_000;
  const { client } = await kubelet.execUpgrade(["zeros", String(total)], "output=1");
  const ids = await openStreams(client!, ["error", "stdout"]);
  client!.socket.pause();
  const before = process.memoryUsage().arrayBuffers;
  await sleep(300);
  assert.ok(process.memoryUsage().arrayBuffers - before < 15_000_000, "output is buffered without bound");
  client!.socket.resume();
  assert.equal((await client!.read(ids.stdout!)).length, total);
  client!.close();
});

test("a device that reads nothing stops the client", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["hang"], "input=1&output=1");
  const ids = await openStreams(client!, ["error", "stdin", "stdout"]);
  let sent = 0;
  const block = Buffer.alloc(65_536);
  const sending = (async () => {
    for (; sent < 200_000_000 && !client!.socket.destroyed; sent += block.length)
      await client!.send(ids.stdin!, block);
  })();
  let last = -1;
  await until("the client is stopped", () => {
    const stopped = sent === last && sent > 0;
    last = sent;
    return stopped;
  });
  assert.ok(sent < 50_000_000, `${sent} bytes went in`);
  client!.socket.destroy();
  await sending;
});

test("terminal sizes reach the device; with a tty there is no stderr", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["size"], "input=1&output=1&error=1&tty=1");
  const ids = await openStreams(client!, ["error", "stdin", "stdout", "resize"]);
  await client!.send(ids.resize!, Buffer.from('{"Width":80,"Height":24}\n{"Width":1'));
  await client!.send(ids.resize!, Buffer.from('32,"Height":43}\n'));
  assert.equal((await client!.read(ids.stdout!)).toString(), "80x24 132x43 ");
  assert.equal(kubelet.exec.started[0]?.request.stderr, false);
  client!.close();
});

for (const [protocol, hasResize] of [
  ["v3.channel.k8s.io", true],
  ["v2.channel.k8s.io", false],
  ["channel.k8s.io", false],
] as const) {
  test(
    `${protocol}: nothing on the error stream is success, else it is a text; resize streams: ${hasResize}`,
    deadline,
    async () => {
      await using kubelet = await new KubeletUnderTest().start();
      for (const [code, text] of [
        ["0", ""],
        ["7", "command terminated with non-zero exit code: exit status 7"],
      ] as const) {
        const path = `/exec/default/lamp/device?command=exit&command=${code}&output=1&tty=1`;
        const answer = await kubelet.spdyUpgrade(path, [protocol]);
        assert.equal(answer.headers["x-stream-protocol-version"], protocol);
        const types = ["error", "stdout", ...(hasResize ? ["resize"] : [])];
        const ids = await openStreams(answer.client!, types);
        assert.equal((await answer.client!.read(ids.error!)).toString(), text);
        answer.client!.close();
      }
      if (hasResize) return;
      const hangs = "/exec/default/lamp/device?command=hang&output=1&tty=1";
      const { client } = await kubelet.spdyUpgrade(hangs, [protocol]);
      await client!.open("error");
      await assert.rejects(client!.open("resize"), /refused/);
      client!.socket.destroy();
    },
  );
}

test("who offers no protocol that we speak is told which those are", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const path = "/exec/default/lamp/device?command=echo&output=1";
  const { code, headers } = await kubelet.spdyUpgrade(path, ["v5.channel.k8s.io"]);
  const accepted = "v4.channel.k8s.io, v3.channel.k8s.io, v2.channel.k8s.io, channel.k8s.io";
  assert.deepEqual([code, headers["x-accepted-stream-protocol-versions"]], [403, accepted]);
  const none = await kubelet.spdyUpgrade(path, []);
  assert.deepEqual(
    [none.code, none.body],
    [400, "unable to upgrade: X-Stream-Protocol-Version header is required"],
  );
});

test("pings are echoed while a command runs", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["hang"], "output=1");
  await openStreams(client!, ["error", "stdout"]);
  client!.ping(1);
  await until("echo", () => client!.frames.some((frame) => frame.type === "ping" && frame.id === 1));
  client!.socket.destroy();
});

test("a flood of pings ends the connection and is counted", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["hang"], "output=1");
  await openStreams(client!, ["error", "stdout"]);
  for (let id = 1; id < 1_000; id += 2) client!.ping(id);
  await client!.closed;
  await until("session disposed", () => kubelet.exec.open === 0);
  assert.equal(
    await kubelet.metrics.valueOf("motelet_kubelet_protocol_errors_total", { reason: "SPDY_FLOOD" }),
    1,
  );
});

test("an offline device is told before the upgrade, in plain words", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  kubelet.registry.learn("default/lamp", {
    phase: "Offline",
    lastSeenMs: Date.parse("2026-11-21T10:00:00Z"),
  });
  const { code, body } = await kubelet.execUpgrade(["echo"], "output=1");
  assert.equal(code, 503);
  assert.equal(body, "device default/lamp is offline (last seen 2026-11-21T10:00:00.000Z)");
});

test("a stream that was not asked for is refused, and the rest goes on", deadline, async () => {
  await using kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["echo", "hi"], "output=1");
  await assert.rejects(client!.open("stdin"), /refused/);
  const ids = await openStreams(client!, ["error", "stdout"]);
  assert.equal((await client!.read(ids.stdout!)).toString(), "hi\n");
  client!.close();
});

for (const [what, flags, headers, code, message] of [
  ["no stream", "", {}, 400, "you must specify at least 1 of stdin, stdout, stderr"],
  [
    "no protocol we speak",
    "output=1",
    { "x-stream-protocol-version": "v9.channel.k8s.io" },
    403,
    "unable to negotiate",
  ],
  ["another upgrade", "output=1", { upgrade: "h2c" }, 400, "neither for SPDY/3.1 nor for a WebSocket"],
] as const) {
  test(`${what} is refused before the upgrade`, deadline, async () => {
    await using kubelet = await new KubeletUnderTest().start();
    const answer = await kubelet.execUpgrade(["echo"], flags, { headers });
    assert.equal(answer.code, code);
    assert.match(answer.body, new RegExp(message));
  });
}

test("shutdown tells a running command's client and ends within 3 s", deadline, async () => {
  const kubelet = await new KubeletUnderTest().start();
  const { client } = await kubelet.execUpgrade(["hang"], "output=1");
  const ids = await openStreams(client!, ["error", "stdout"]);
  await until("output", () => client!.received(ids.stdout!) > 0);
  using time = new LoopTime();
  const error = client!.read(ids.error!);
  await kubelet[Symbol.asyncDispose]();
  assert.equal(JSON.parse((await error).toString()).message, "UNAVAILABLE: the gateway is shutting down");
  assert.ok(time.ms < 3_000, `${time.ms} ms`);
  assert.equal(kubelet.exec.open, 0);
});
