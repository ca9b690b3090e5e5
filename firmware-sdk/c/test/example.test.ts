import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { commands, ExecControl, Status } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import { sdkVersion } from "./boot-line.ts";
import { buildFolder, make } from "./driver.ts";

test("the code in EXTENDING.md is that of the example", async () => {
  const read = (name: string) => readFile(new URL(`../${name}`, import.meta.url), "utf8");
  const [text, code] = await Promise.all([read("EXTENDING.md"), read("example/greenhouse.c")]);
  const blocks = [...text.matchAll(/^```c\n(.*?)^```$/gms)].map(([, block]) => block as string);
  assert.ok(blocks.length >= 5);
  for (const block of blocks) assert.ok(code.includes(block), block);
});

test("the example's own command, files, service and peripherals work, under sanitizers", async () => {
  await make("example");
  const folder = await mkdtemp(join(tmpdir(), "mote-example-"));
  const path = join(folder, "line");
  const child = spawn(`${buildFolder}greenhouse`, [path], { stdio: ["ignore", "inherit", "pipe"] });
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  const ended = once(child, "exit");
  try {
    await using gateway = await LineGateway.connect(path);
    await until("the line of its boot", () => gateway.lines.length > 0);
    const about = `${await sdkVersion()}, board greenhouse, reset: unknown, build unknown`;
    assert.deepEqual(gateway.lines, [`boot ${gateway.hellos[0]?.boot}: ${about}`]);
    const run = async (...argv: string[]) => {
      const { stdout, exitCode } = await gateway.exec(argv);
      return [stdout.toString(), exitCode];
    };
    const invoke = async (peripheral: string, ...argv: string[]) => {
      const { op } = commands.peripheralInvoke;
      const got = await gateway.transfer(op, (stream) => [stream, 0, 0, peripheral, argv]);
      return got.stdout.toString();
    };
    assert.deepEqual(await run("water", "0"), ["watered for 0 s\n", 0]);
    assert.deepEqual(await run("water", "61"), ["water: usage: water SECONDS\n", 2]);
    assert.match((await run("help"))[0] as string, /^water SECONDS {4}runs the pump$/m);
    const long = await gateway.open(commands.exec.op, (stream) => [stream, 0, 0, ["water", "60"]]);
    assert.equal(await invoke("pump0", "get"), "on\n");
    await gateway.request(commands.execControl.op, [long.stream, ExecControl.signal, 2]);
    await until("its end", () => long.end !== undefined);
    assert.equal(long.end?.exitCode, 130);
    assert.equal(await invoke("pump0", "get"), "off\n");
    assert.equal(await invoke("soil0", "get"), "412\n");

    const file = Buffer.alloc(3_000, "tomatoes ");
    const written = await gateway.transfer(commands.fileWrite.op, (s) => [s, 3_000, 0o644, "/plan"], file);
    assert.equal(written.status, Status.OK);
    assert.deepEqual(await run("cat", "/plan"), [file.toString(), 0]);

    const wire = await gateway.open(commands.dial.op, (stream) => [stream, 23]);
    await assert.rejects(
      gateway.open(commands.dial.op, (stream) => [stream, 23]),
      /status 14/,
    );
    wire.write("hello".repeat(100));
    wire.endInput();
    await until("its end", () => wire.end?.status === Status.OK);
    assert.equal(wire.text, "HELLO".repeat(100));

    await gateway.request(commands.reboot.op);
    assert.deepEqual(await ended, [0, null]);
    assert.equal(complaints, "");
  } finally {
    if (child.exitCode === null && child.kill("SIGTERM")) await ended;
    await rm(folder, { recursive: true });
  }
});
