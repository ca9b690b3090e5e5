import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { ResetCause } from "@motelet/profiles";
import { sdkVersion } from "../version.ts";
import { bootLine, defaultBuildId } from "./boot.ts";

const buildId = Uint8Array.of(0, 1, 2, 0xfe, 0xff, 0x80, 0x7f, 0x10);

test("the line of a boot says the SDK's version, board, reset cause and build id", () => {
  assert.equal(
    bootLine(7, { board: "esp32-c3", resetCause: ResetCause.wakeFromSleep, buildId }),
    `boot 7: ${sdkVersion}, board esp32-c3, reset: wake from sleep, build 000102feff807f10`,
  );
  assert.equal(
    bootLine(0xffff_ffff, { board: "virtual", resetCause: ResetCause.powerOn, buildId }),
    `boot 4294967295: ${sdkVersion}, board virtual, reset: power on, build 000102feff807f10`,
  );
});

test("what a device does not know of itself, and a cause without a name, is unknown", () => {
  const unknown = `boot 1: ${sdkVersion}, board unknown, reset: unknown, build unknown`;
  assert.equal(bootLine(1, {}), unknown);
  assert.equal(bootLine(1, { resetCause: 8 }), unknown);
});

test("a build id has 8 bytes, and another firmware has another one", () => {
  assert.equal(defaultBuildId("blinky 1.0.0").length, 8);
  assert.deepEqual(defaultBuildId("blinky 1.0.0"), defaultBuildId("blinky 1.0.0"));
  assert.notDeepEqual(defaultBuildId("blinky 1.0.0"), defaultBuildId("blinky 1.0.1"));
});

test("the version is that of the package", async () => {
  const { name, version } = JSON.parse(
    await readFile(new URL("../../package.json", import.meta.url), "utf8"),
  );
  assert.equal(sdkVersion, `${name.replace("@motelet/", "motelet-")} ${version}`);
});
