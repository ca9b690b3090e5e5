import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstat, mkdtemp, open, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { ReadStream } from "node:tty";
import { ByeReason, encodeFrame, encodeMessage } from "@motelet/profiles";
import { bitFlips, LineGateway, until } from "@motelet/testing";
import { startSerialDevice, UnavailableError } from "../src/index.ts";

async function directoryFor(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "motelet-serial-"));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

async function plugSocket(path: string): Promise<Socket> {
  const socket = connect(path);
  await once(socket, "connect");
  return socket;
}

suite("a device behind a serial line", () => {
  test("joins when the cable is plugged, runs commands, and its console text stays outside frames", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const gateway = new LineGateway();
    const device = await startSerialDevice({ address: `unix:${path}`, name: "lamp", boot: 5 });
    t.after(() => device.stop());
    const socket = await plugSocket(path);
    gateway.plug(socket);
    await until("online", () => device.state === "online");
    device.print("printf says hi\r\n");
    const stdin = randomBytes(100_000);
    const { stdout, exitCode } = await gateway.exec(["cat"], stdin);
    assert.ok(stdout.equals(stdin));
    assert.equal(exitCode, 0);
    assert.equal((await gateway.exec(["exit", "7"])).exitCode, 7);
    assert.equal(gateway.text, "printf says hi\r\n");
    assert.equal(gateway.lines.length, 1);
    assert.match(gateway.lines[0] ?? "", /^boot 5: motelet-reference /);
  });

  test("the console runs commands too", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const device = await startSerialDevice({ address: `unix:${path}` });
    t.after(() => device.stop());
    const socket = await plugSocket(path);
    const gateway = new LineGateway();
    gateway.plug(socket);
    socket.write("echo one two\r\nfoo\n");
    await until("answers", () => gateway.text === "one two\r\nfoo: not found\r\n");
  });

  test("a cable that is pulled and plugged again finds the same session", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const gateway = new LineGateway();
    const device = await startSerialDevice({ address: `unix:${path}` });
    t.after(() => device.stop());
    const first = await plugSocket(path);
    gateway.plug(first);
    await until("online", () => device.state === "online");
    first.destroy();
    await until("offline", () => device.state === "offline");
    device.log("said in between");
    gateway.plug(await plugSocket(path));
    await until("stored", () => gateway.lines.includes("said in between"), 30_000);
    const hellos = gateway.received.filter((message) => message.kind === "hello");
    assert.deepEqual(
      hellos.map(({ attempt, sid }) => [attempt, sid]),
      [
        [1, 0],
        [2, 1],
      ],
    );
  });

  test("a second gateway on the same socket is turned away", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const device = await startSerialDevice({ address: `unix:${path}` });
    t.after(() => device.stop());
    new LineGateway().plug(await plugSocket(path));
    await until("online", () => device.state === "online");
    const second = await plugSocket(path);
    second.resume();
    await once(second, "close");
    assert.equal(device.state, "online");
  });

  test("stops within a second or so when the other end neither reads nor closes", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const device = await startSerialDevice({ address: `unix:${path}` });
    const socket = await plugSocket(path);
    t.after(() => socket.destroy());
    await until("greeting", () => device.state === "greeting");
    let stopped = false;
    void device.stop().then(() => {
      stopped = true;
    });
    await until("stopped", () => stopped);
  });

  test("100 kB come back unchanged over a line that flips a bit in 1 of 2,000 bytes", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const gateway = new LineGateway({ rtoMs: 50 });
    const device = await startSerialDevice({ address: `unix:${path}`, maxMessageBytes: 1024 });
    t.after(() => device.stop());
    gateway.plug(await plugSocket(path), bitFlips(2_000, 42));
    await until("online", () => device.state === "online");
    const stdin = randomBytes(100_000);
    const startedMs = performance.now();
    const { stdout, exitCode } = await gateway.exec(["cat"], stdin);
    assert.ok(stdout.equals(stdin));
    assert.equal(exitCode, 0);
    t.diagnostic(`100 kB in ${Math.round(performance.now() - startedMs)} ms`);
  });

  test("what a killed process left at the path is taken over, a living listener is not", async (t) => {
    const path = join(await directoryFor(t), "line.sock");
    const living = createServer();
    living.listen(path);
    await once(living, "listening");
    await assert.rejects(startSerialDevice({ address: `unix:${path}` }), UnavailableError);
    await new Promise((resolve) => living.close(resolve));
  });

  test("a pseudo terminal is always open, and NO_SESSION brings a hello at once", async (t) => {
    const path = join(await directoryFor(t), "tty");
    const gateway = new LineGateway();
    const device = await startSerialDevice({ address: `pty:${path}` });
    assert.equal(device.state, "greeting");
    assert.ok((await lstat(path)).isSymbolicLink());
    const file = await open(path, "r+");
    const tty = new ReadStream(file.fd);
    t.after(() => tty.destroy());
    // The end of the device hangs up the terminal.
    tty.on("error", () => undefined);
    tty.setRawMode(true);
    // Writes of a file that are under way at once keep no order.
    let written: Promise<unknown> = Promise.resolve();
    const write = (bytes: Uint8Array) => {
      // The device that ends hangs up the terminal, perhaps during a write.
      written = written.then(() => file.write(bytes)).catch(() => undefined);
    };
    gateway.plug({ write, on: (event, listener) => tty.on(event, listener) });
    await until("online", () => device.state === "online");
    gateway.send({ kind: "bye", reason: ByeReason.noSession });
    await until("a second hello", () => gateway.received.filter(({ kind }) => kind === "hello").length >= 2);
    const stdin = randomBytes(20_000);
    assert.ok((await gateway.exec(["cat"], stdin)).stdout.equals(stdin));
    assert.equal(gateway.text.includes("boot"), true);
    await device.stop();
    await assert.rejects(lstat(path));
  });
});

test("a frame of the largest message passes, one byte more is a bad frame", async (t) => {
  const path = join(await directoryFor(t), "line.sock");
  const device = await startSerialDevice({ address: `unix:${path}`, maxMessageBytes: 128 });
  t.after(() => device.stop());
  const gateway = new LineGateway();
  const socket = await plugSocket(path);
  gateway.plug(socket);
  await until("online", () => device.state === "online");
  const ping = (bytes: number) =>
    encodeMessage({ kind: "request", id: 9, op: 1, args: ["x".repeat(bytes - 6)] });
  assert.equal(ping(128).length, 128);
  const responses = () => gateway.received.filter(({ kind }) => kind === "response").length;
  socket.write(encodeFrame(ping(129)));
  socket.write(encodeFrame(ping(128)));
  await until("one response", () => responses() === 1);
});
