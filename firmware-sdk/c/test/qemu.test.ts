import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { commands, Status } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import { testBootLine } from "./boot-line.ts";
import { testCommands } from "./device-commands.ts";
import { testDevice } from "./device-suite.ts";
import { make } from "./driver.ts";
import { startGuest } from "./guest.ts";
import { testShellOptions } from "./shell-options.ts";

before(() => make("cortex-m"));

testDevice("cortex-m", () => startGuest());
testCommands("cortex-m", () => startGuest());
testShellOptions("cortex-m", () => startGuest(), 3);
testBootLine("cortex-m", "mote-cortex-m.elf", "mps2-an385", () => startGuest());

test("cortex-m: port 1 leads to the second UART, for one connection at a time, and its interrupt logs what nobody reads", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mote-uart-"));
  const path = join(folder, "uart");
  const wires: Socket[] = [];
  const server = createServer((socket) => {
    wires.push(socket);
    // The emulator is killed with input that it has not read.
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => socket.write(`<${bytes}>`));
  });
  server.listen(path);
  try {
    await using guest = await startGuest("-chardev", `socket,id=u1,path=${path}`, "-serial", "chardev:u1");
    await using gateway = await LineGateway.connect(guest.path);
    const dial = () => gateway.open(commands.dial.op, (stream) => [stream, 1]);
    const one = await dial();
    one.write("AT");
    await until("the answer", () => one.text.startsWith("<A"));
    await assert.rejects(dial(), /status 14/);
    one.endInput();
    await until("its end", () => one.end?.status === Status.OK);
    assert.equal(one.text.replaceAll(/[<>]/g, ""), "AT");
    const two = await dial();
    two.cancel();
    const three = await dial();
    three.write("again");
    await until("the answer", () => three.text.replaceAll(/[<>]/g, "") === "again");
    // What comes now has no reader: the UART's interrupt says so in the log, once.
    three.cancel();
    await gateway.request(commands.ping.op);
    for (const wire of wires) wire.write("to nobody");
    const isLoss = (line: string) => line === "UART 1: input that nobody reads is lost, from byte 0x74 on";
    await until("the interrupt's line", () => gateway.lines.some(isLoss));
    assert.equal(gateway.lines.filter((line) => line.startsWith("UART 1")).length, 1);
  } finally {
    server.close();
    await rm(folder, { recursive: true });
  }
});

test("cortex-m: with a flash of its own, files outlive the emulator, and a kill in the middle of a write", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mote-flash-"));
  const flash = [
    ...["-M", "mps2-an385,memory-backend=psram"],
    ...["-object", `memory-backend-file,id=psram,size=16M,mem-path=${join(folder, "flash")},share=on`],
  ];
  const content = Buffer.alloc(9_000, "kept");
  const write = (stream: number) => [stream, null, 0o600, "/kept"];
  const read = (gateway: LineGateway) =>
    gateway.transfer(commands.fileRead.op, (stream) => [stream, 0, "/kept"]).then(({ stdout }) => stdout);
  try {
    {
      await using guest = await startGuest(...flash);
      await using gateway = await LineGateway.connect(guest.path);
      await gateway.transfer(commands.fileWrite.op, write, content);
    }
    {
      await using guest = await startGuest(...flash);
      await using gateway = await LineGateway.connect(guest.path);
      assert.ok((await read(gateway)).equals(content));
      const cut = await gateway.open(commands.fileWrite.op, write);
      cut.write(Buffer.alloc(5_000));
      await until("some of it", () => cut.ackedBytes > 4_200);
    }
    await using guest = await startGuest(...flash);
    await using gateway = await LineGateway.connect(guest.path);
    assert.ok((await read(gateway)).equals(content));
    const led = await gateway.transfer(commands.peripheralInvoke.op, (stream) => [
      stream,
      0,
      0,
      "led0",
      ["set", "on"],
    ]);
    assert.equal(led.exitCode, 0);
    const got = await gateway.transfer(commands.peripheralInvoke.op, (stream) => [
      stream,
      0,
      0,
      "led0",
      ["get"],
    ]);
    assert.equal(got.stdout.toString(), "on\n");
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Ticks of 10 ms of CPU that a process has used (proc(5)). */
async function cpuTicks(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

test("cortex-m: an idle guest waits for interrupts and does not spin", async (context) => {
  await using guest = await startGuest();
  await using _gateway = await LineGateway.connect(guest.path);
  const beforeTicks = await cpuTicks(guest.pid);
  const windowMs = 2000;
  await new Promise((resolve) => setTimeout(resolve, windowMs));
  const percent = (((await cpuTicks(guest.pid)) - beforeTicks) * 1000) / windowMs;
  context.diagnostic(`cortex-m: idle at ${percent} % of a core`);
  assert.ok(percent < 15, `${percent} % of a core`);
});

test("cortex-m: power-ons draw different boot numbers, a reset raises the number", async () => {
  const boots = new Set<number>();
  for (let i = 0; i < 4; i++) {
    await using guest = await startGuest();
    await using gateway = await LineGateway.connect(guest.path);
    const first = gateway.hellos[0]?.boot ?? 0;
    boots.add(first);
    assert.equal(gateway.hellos[0]?.resetCause, 1);
    if (i === 0) {
      await gateway.request(2);
      await until("the next boot", () => gateway.hellos.some(({ boot }) => boot === first + 1));
    }
  }
  assert.equal(boots.size, 4);
});

test("cortex-m: the clock of each boot begins at 0 and does not go back", async () => {
  await using guest = await startGuest();
  await using gateway = await LineGateway.connect(guest.path);
  // When it went back, the uptime was 49 days in every third hello.
  for (let resets = 0; resets < 30; resets++) {
    const { boot } = gateway.hellos.at(-1) ?? assert.fail();
    await gateway.request(commands.reboot.op);
    await until("the next boot", () => gateway.hellos.at(-1)?.boot === boot + 1);
    assert.ok((gateway.hellos.at(-1)?.uptimeS ?? Infinity) < 5, `${gateway.hellos.at(-1)?.uptimeS} s`);
  }
});
