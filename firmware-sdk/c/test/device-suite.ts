import assert from "node:assert/strict";
import { test } from "node:test";
import { defaults } from "@motelet/profiles";
import { bitFlips, LineGateway, until } from "@motelet/testing";

/** A device under test: its console and messages are on a unix socket. */
export interface RunningDevice extends AsyncDisposable {
  readonly path: string;
}

const pattern = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 0xff));

/** What every port has to do, said once. */
export function testDevice(
  port: string,
  start: () => Promise<RunningDevice>,
  streams: number = defaults.streams,
): void {
  test(`${port}: says hello, answers ping, info, time and an unknown op`, async (context) => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const hello = gateway.hellos[0];
    assert.equal(hello?.maxMessageBytes, 256);
    assert.equal(hello?.streams, streams === defaults.streams ? undefined : streams);
    assert.ok((hello?.boot ?? 0) > 0);
    const times: number[] = [];
    for (let i = 0; i < 50; i++) {
      const before = performance.now();
      assert.equal((await gateway.request(1)).status, 0);
      times.push(performance.now() - before);
    }
    times.sort((a, b) => a - b);
    context.diagnostic(
      `${port}: ping round trip median ${times[25]?.toFixed(2)} ms, worst ${times[49]?.toFixed(2)} ms`,
    );
    const { result } = await gateway.request(3);
    assert.ok(result[0] instanceof Map);
    const time = await gateway.request(4);
    assert.ok(Math.abs(Number(time.result[0]) - 1_700_000_000) < 300);
    assert.equal((await gateway.request(99)).status, 12);
  });

  test(`${port}: its shell echoes, exits with a code, tells its uptime and what it does not know`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const echo = await gateway.exec(["echo", "hi", "there"]);
    assert.deepEqual([echo.stdout.toString(), echo.exitCode], ["hi there\n", 0]);
    for (const code of [7, 0, 255]) assert.equal((await gateway.exec(["exit", String(code)])).exitCode, code);
    for (const code of [256, 257, 512, 65_536, 2_147_483_647]) {
      const { stdout, exitCode } = await gateway.exec(["exit", String(code)]);
      const told = `exit: exit code ${code}: expected 0 to 255\n`;
      assert.deepEqual([stdout.toString(), exitCode], [told, 255]);
    }
    for (const odd of ["x", "-", "-1", "", "2147483648"])
      assert.equal((await gateway.exec(["exit", odd])).exitCode, 2, odd);
    assert.match((await gateway.exec(["uptime"])).stdout.toString(), /^up \d+ s\n$/);
    const unknown = await gateway.exec(["frobnicate"]);
    assert.deepEqual([unknown.stdout.toString(), unknown.exitCode], ["frobnicate: not found\n", 127]);
    assert.match((await gateway.exec(["help"])).stdout.toString(), /^help .*\necho .*\n(.*\n)*stack .*\n$/);
    const long = "x".repeat(210);
    assert.equal((await gateway.exec(["echo", long])).stdout.toString(), `${long}\n`);
  });

  test(`${port}: cat returns 100 kB unchanged`, async (context) => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    const input = pattern(100_000);
    const before = performance.now();
    const { stdout, exitCode } = await gateway.exec(["cat"], input);
    const seconds = (performance.now() - before) / 1000;
    context.diagnostic(`${port}: cat of 100 kB in ${seconds.toFixed(2)} s`);
    assert.ok(stdout.equals(input));
    assert.equal(exitCode, 0);
  });

  test(`${port}: cat returns 20 kB unchanged over a line that flips a bit in 1 of 2,000 bytes`, async (context) => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path, bitFlips(2000, 1));
    const input = pattern(20_000);
    const before = performance.now();
    const { stdout } = await gateway.exec(["cat"], input);
    const seconds = (performance.now() - before) / 1000;
    context.diagnostic(
      `${port}: noisy cat of 20 kB in ${seconds.toFixed(2)} s, ${gateway.badFrames} bad frames here`,
    );
    assert.ok(stdout.equals(input));
  });

  test(`${port}: reboots after its answer, with another boot number and a banner`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    assert.equal((await gateway.request(2)).status, 0);
    await until("a hello of the next boot", () => gateway.hellos.some((hello) => hello.resetCause === 3));
    assert.notEqual(gateway.hellos[0]?.boot, gateway.hellos.at(-1)?.boot);
    assert.match(gateway.text, /motelet-c \S+ on \S+, boot \d+\n/);
    assert.equal((await gateway.request(1)).status, 0);
  });

  test(`${port}: the text of a panic in the middle of a frame is kept, and it starts again`, async () => {
    await using device = await start();
    await using gateway = await LineGateway.connect(device.path);
    await gateway.exec(["panic"], undefined, { timeoutMs: 500 }).catch(() => {});
    await until("a hello after the panic", () => gateway.hellos.some((hello) => hello.resetCause === 6));
    assert.match(gateway.text, /panic: .*\n/);
    assert.ok(gateway.badFrames > 0, "the panic broke no frame");
    assert.equal((await gateway.request(1)).status, 0);
  });
}
