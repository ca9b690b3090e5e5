import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { promisify } from "node:util";
import { commands } from "@motelet/profiles";
import { LineGateway, until } from "@motelet/testing";
import type { RunningDevice } from "./device-suite.ts";
import { buildFolder } from "./driver.ts";

/** The SDK and its version, as its header has it. */
export async function sdkVersion(): Promise<string> {
  const header = await readFile(new URL("../include/mote/version.h", import.meta.url), "utf8");
  return /"(.*)"/.exec(header)?.[1] ?? assert.fail("version.h has no version");
}

/** The first 8 bytes of the id that the linker put into a program, in hex. */
async function buildIdOf(program: string): Promise<string> {
  const { stdout } = await promisify(execFile)("readelf", ["-n", `${buildFolder}${program}`]);
  return /Build ID: ([0-9a-f]{16})/.exec(stdout)?.[1] ?? assert.fail(`${program} has no build id`);
}

/** What every port logs when it boots, said once. */
export function testBootLine(
  port: string,
  program: string,
  board: string,
  start: () => Promise<RunningDevice>,
): void {
  test(`${port}: each boot logs one line: SDK version, board, reset cause and build id`, async () => {
    const about = `${await sdkVersion()}, board ${board}`;
    const build = await buildIdOf(program);
    await using device = await start();
    // Booted before anybody listens: what is printed by then is lost, what is logged is not.
    await using gateway = await LineGateway.connect(device.path);
    const bootOf = (index: number) => gateway.hellos.at(index)?.boot ?? assert.fail("no hello");
    await until("the line", () => gateway.lines.length > 0);
    const lines = [`boot ${bootOf(0)}: ${about}, reset: power on, build ${build}`];
    assert.deepEqual(gateway.lines, lines);
    const hello = gateway.hellos[0];
    assert.deepEqual([hello?.board, Buffer.from(hello?.buildId ?? []).toString("hex")], [board, build]);

    await gateway.request(commands.reboot.op);
    await until("the line after a reboot", () => gateway.lines.length > 1);
    lines.push(`boot ${bootOf(-1)}: ${about}, reset: software, build ${build}`);
    assert.deepEqual(gateway.lines, lines);

    await gateway.exec(["panic"], undefined, { timeoutMs: 500 }).catch(() => {});
    const isAfterPanic = (line: string) => line.includes("reset: panic");
    await until("the line after a panic", () => gateway.lines.some(isAfterPanic));
    lines.push(`boot ${bootOf(-1)}: ${about}, reset: panic, build ${build}`);
    assert.deepEqual(
      gateway.lines.filter((line) => line.startsWith("boot ")),
      lines,
    );
  });
}
