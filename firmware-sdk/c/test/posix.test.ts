import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, existsSync } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { commands, decodeMessage, encodeFrame, encodeMessage, FrameDecoder, Status } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import { testBootLine } from "./boot-line.ts";
import { testCommands } from "./device-commands.ts";
import { type RunningDevice, testDevice } from "./device-suite.ts";
import { buildFolder, make } from "./driver.ts";
import { testShellOptions } from "./shell-options.ts";

before(() => make("posix"));

interface PosixDevice extends RunningDevice {
  readonly folder: string;
  signal(name: NodeJS.Signals): void;
}

async function start(...options: readonly string[]): Promise<PosixDevice> {
  const folder = await mkdtemp(join(tmpdir(), "mote-posix-"));
  const path = join(folder, "line");
  const child = spawn(
    `${buildFolder}mote-posix`,
    ["--unix", path, "--state", join(folder, "state"), ...options],
    {
      stdio: "inherit",
    },
  );
  return {
    folder,
    path,
    signal: (name) => child.kill(name),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
      await rm(folder, { recursive: true });
    },
  };
}

testDevice("posix", start, 8);
testCommands("posix", start);
testShellOptions("posix", start, Number.POSITIVE_INFINITY);
testBootLine("posix", "mote-posix", "posix", start);

test("posix: a service leads to a TCP server: 200 kB each way, half-closed, refused, and cut off", async () => {
  const served: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    served.push(socket);
    socket.on("error", () => {});
    const parts: Buffer[] = [];
    socket.on("data", (bytes) => parts.push(bytes as Buffer));
    // Answers only when all has come: by what it got, backwards.
    socket.on("end", () => socket.end(Buffer.concat(parts).reverse()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    await using device = await start("--service", `80=127.0.0.1:${port}`, "--service", "81=127.0.0.1:1");
    await using gateway = await LineGateway.connect(device.path);
    const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => (i * 13) & 0xff));
    const { stdout, status } = await gateway.transfer(commands.dial.op, (stream) => [stream, 80], bytes);
    assert.ok(stdout.equals(Buffer.from(bytes).reverse()));
    assert.equal(status, Status.OK);
    await assert.rejects(
      gateway.open(commands.dial.op, (stream) => [stream, 81]),
      /status 14/,
    );
    const cut = await gateway.open(commands.dial.op, (stream) => [stream, 80]);
    await until("the connection", () => served.length === 2);
    served[1]?.resetAndDestroy();
    await until("its end", () => cut.end !== undefined);
    assert.equal(cut.end?.status, Status.ABORTED);
    // As many as there are streams, and one more.
    const open = () => gateway.open(commands.dial.op, (stream) => [stream, 80]);
    const all = await Promise.all(Array.from({ length: 8 }, open));
    await assert.rejects(open(), /status 8/);
    for (const each of all) each.cancel();
    await (await open()).write("after them");
  } finally {
    server.close();
    for (const socket of served) socket.destroy();
  }
});

test("posix: SIGUSR1 breaks a frame off with a panic text", async () => {
  await using device = await start();
  await using gateway = await LineGateway.connect(device.path);
  device.signal("SIGUSR1");
  await until("a hello after the panic", () => gateway.hellos.some((hello) => hello.resetCause === 6));
  assert.match(gateway.text, /panic: .*\n/);
});

test("posix: boots are counted, the hardware id is said, ticks are printed, and a lost connection changes nothing", async () => {
  await using device = await start("--hardware-id", "c0ffee01", "--board", "posix-test", "--tick", "0.1");
  {
    await using gateway = await LineGateway.connect(device.path);
    assert.equal(gateway.hellos[0]?.boot, 1);
    assert.deepEqual(gateway.hellos[0]?.hardwareId, Uint8Array.of(0xc0, 0xff, 0xee, 0x01));
    assert.equal(gateway.hellos[0]?.board, "posix-test");
    await until("a tick", () => /tick \d+\n/.test(gateway.text));
  }
  await using again = await LineGateway.connect(device.path);
  assert.equal(again.hellos[0]?.boot, 1);
  assert.equal(again.hellos[0]?.sid, 1);
});

test("posix: a pty is linked, says hello to whoever opens it, again after it was closed, and goes with the process", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mote-posix-"));
  const link = join(folder, "tty");
  const child = spawn(`${buildFolder}mote-posix`, ["--pty", link], { stdio: "inherit" });
  try {
    await until("a link to a pty", () => existsSync(link), 60_000);
    for (let opened = 0; opened < 2; opened++) {
      await using line = await open(link, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
      const decoder = new FrameDecoder({ maxMessageBytes: 1024 });
      const chunk = Buffer.alloc(1024);
      await line.write(encodeFrame(encodeMessage({ kind: "bye", reason: 1 })));
      const hello = await until(`a hello on opening ${opened}`, async () => {
        const { bytesRead } = await line.read(chunk);
        const items = decoder.push(chunk.subarray(0, bytesRead), performance.now());
        return items.find(({ kind }) => kind === "message")?.bytes;
      });
      assert.equal(decodeMessage(hello).message.kind, "hello");
    }
  } finally {
    if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
    assert.equal(existsSync(link), false);
    await rm(folder, { recursive: true });
  }
});
