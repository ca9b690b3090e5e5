import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { type RunningDevice, testDevice } from "./device-suite.ts";
import { buildFolder, make } from "./driver.ts";
import { Gateway } from "./gateway.ts";

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

testDevice("posix", start);

test("posix: SIGUSR1 breaks a frame off with a panic text", async () => {
  await using device = await start();
  await using gateway = await Gateway.connect(device.path);
  await gateway.until("a hello", () => gateway.hellos.length > 0);
  device.signal("SIGUSR1");
  await gateway.until("a hello after the panic", () =>
    gateway.hellos.some((hello) => hello.resetCause === 6),
  );
  assert.match(gateway.text, /panic: .*\n/);
});

test("posix: boots are counted, the hardware id is said, ticks are printed, and a lost connection changes nothing", async () => {
  await using device = await start("--hardware-id", "c0ffee01", "--board", "posix-test", "--tick", "0.1");
  {
    await using gateway = await Gateway.connect(device.path);
    await gateway.until("a hello", () => gateway.hellos.length > 0);
    assert.equal(gateway.hellos[0]?.boot, 1);
    assert.deepEqual(gateway.hellos[0]?.hardwareId, Uint8Array.of(0xc0, 0xff, 0xee, 0x01));
    assert.equal(gateway.hellos[0]?.board, "posix-test");
    await gateway.until("a tick", () => /tick \d+\n/.test(gateway.text));
  }
  await using again = await Gateway.connect(device.path);
  await again.until("a hello", () => again.hellos.length > 0);
  assert.equal(again.hellos[0]?.boot, 1);
  assert.equal(again.hellos[0]?.sid, 7);
});
